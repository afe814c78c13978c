"""Packages are found, not listed: the folders `plugins` and `flows` carry names of their own when installed."""

from setuptools import find_packages, setup

FOLDERS = {"daecore": "daecore", "daecore_plugins": "plugins", "daecore_flows": "flows"}

packages = [*FOLDERS]
for name, folder in FOLDERS.items():
    packages += [f"{name}.{found}" for found in find_packages(folder)]
setup(packages=packages, package_dir=FOLDERS)
