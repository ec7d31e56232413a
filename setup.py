"""What pyproject.toml cannot say: the folder `models/` goes into the wheel as `communique/shipped/`."""

from setuptools import find_namespace_packages, setup

setup(
    packages=[*find_namespace_packages(include=["communique", "communique.*"]), "communique.shipped"],
    package_dir={"communique.shipped": "models"},
)
