from salt_pipeline.components.core.tracking.origin import origin_tags


def test_a_run_on_a_cluster_links_to_its_page() -> None:
    origin = {"preset": "quick", "git_revision": "ab12+", "kfp_run": "3f2a", "kfp_ui": "http://ui"}
    assert origin_tags(origin, "salt sweep") == {
        "salt.preset": "quick",
        "salt.git_revision": "ab12+",
        "salt.kfp_run": "3f2a",
        "salt.kfp_link": "http://ui/#/runs/details/3f2a",
        "mlflow.source.name": "salt sweep",
        "mlflow.source.git.commit": "ab12",
    }


def test_a_local_run_outside_of_a_checkout_has_neither_link_nor_commit() -> None:
    assert origin_tags({"runner": "subprocess"}, "salt run") == {
        "salt.runner": "subprocess",
        "mlflow.source.name": "salt run",
    }
