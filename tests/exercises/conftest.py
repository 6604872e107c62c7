import pytest


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    monkeypatch.setenv("M2K_HOME", str(tmp_path))
    monkeypatch.delenv("M2K_STUDENT", raising=False)
