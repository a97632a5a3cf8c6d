"""Names that the manifests in k8s/ and the code have in common."""

PART_OF = "salt-pipeline"
"""Value of the label `app.kubernetes.io/part-of` on all objects of this project."""

NAMESPACE = "kubeflow"
SERVICE_ACCOUNT = "salt-runner"
PIPELINE = "salt"
SWEEP_PIPELINE = "salt-sweep"
EXPERIMENT = "salt"

SETTINGS_CONFIG_MAP = "salt-settings"
SETTINGS_KEYS = ("SALT_S3_ENDPOINT", "SALT_S3_REGION", "SALT_S3_BUCKET", "MLFLOW_TRACKING_URI")

STORE_SECRET = "salt-store"  # noqa: S105 - a name
STORE_KEYS = ("SALT_S3_ACCESS_KEY", "SALT_S3_SECRET_KEY")

KFP_STORE_SECRET = "mlpipeline-minio-artifact"  # noqa: S105 - a name
KFP_STORE_KEYS = ("accesskey", "secretkey")

NOTIFY_SECRET = "salt-notify"  # noqa: S105 - a name
"""Beginning of the name of a Secret with the address that is notified of a run's end; a hash of it follows."""
NOTIFY_KEY = "SALT_NOTIFY_URL"

# Only in the overlay `dev`, which brings its own store and tracking server.
MINIO = "salt-minio"
MINIO_SECRET = "salt-minio"  # noqa: S105 - a name
MINIO_KEYS = ("MINIO_ROOT_USER", "MINIO_ROOT_PASSWORD")
POSTGRES = "salt-postgres"
POSTGRES_SECRET = "salt-postgres"  # noqa: S105 - a name
POSTGRES_KEYS = ("POSTGRES_PASSWORD",)
MLFLOW = "salt-mlflow"
MLFLOW_SECRET = "salt-mlflow"  # noqa: S105 - a name
MLFLOW_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")

# Kubeflow Pipelines' own.
KFP_LAUNCHER_CONFIG_MAP = "kfp-launcher"
KFP_API_DEPLOYMENT = "ml-pipeline"
ARGO_CONFIG_MAP = "workflow-controller-configmap"
KFP_BUCKET = "mlpipeline"
DEFAULT_PIPELINE_ROOT = "minio://mlpipeline/v2/artifacts"

CHECKPOINTS = "checkpoints"
"""Prefix in the bucket under which training keeps its checkpoints."""
