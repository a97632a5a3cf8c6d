# MLflow's server with what upstream's image leaves out: the clients of Postgres and of S3. The context is this folder:
#   docker build -f docker/mlflow.Dockerfile -t salt-pipeline/mlflow:3.17.2 docker
# `make lock` resolves mlflow.lock from mlflow.txt, whose version is the client's.
ARG BASE_IMAGE=python:3.11-slim-bookworm@sha256:0bee7276f83efd4a1ee05bbbf4281d95ed28e079220a9457f25a93e3f1e3c31b

FROM ${BASE_IMAGE}
LABEL org.opencontainers.image.title="salt-pipeline/mlflow" \
      org.opencontainers.image.description="MLflow tracking server with Postgres and S3 clients" \
      org.opencontainers.image.licenses="Apache-2.0"
# /tmp is all it writes to. Everything compiled beforehand: a read-only root would compile anew at every start.
ENV HOME=/tmp LOGNAME=mlflow PYTHONUNBUFFERED=1 MLFLOW_DISABLE_TELEMETRY=true MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false
WORKDIR /tmp
COPY mlflow.lock /opt/locks/
RUN python3 -m pip install --no-cache-dir --require-hashes -r /opt/locks/mlflow.lock
USER 10001:0
EXPOSE 5000
ENTRYPOINT ["mlflow", "server"]
CMD ["--host", "0.0.0.0", "--port", "5000"]
