"""What CI systems say of themselves in the environment: which run it is, who started it, and of what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Environment = Mapping[str, str]
    Said = dict[str, Any]


def of_ci(environment: Environment) -> Said:
    """The source as the CI system that this runs in says it; empty outside of one."""
    for sign, name, read in _SYSTEMS:
        if environment.get(sign):
            return {"ci": name, **read(_Known(environment))}
    return {}


class _Known:
    """An environment whose missing names are empty."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment

    def __call__(self, *names: str) -> str:
        """The first of these that is set."""
        return next((value for name in names if (value := self._environment.get(name, "").strip())), "")

    def joined(self, *parts: str) -> str:
        """An address of the values of names and of what begins with ``/``; '' where one of them is not set."""
        found = [part if part.startswith("/") else self(part).rstrip("/") for part in parts]
        return "".join(found) if all(found) else ""


def _github(said: _Known) -> Said:
    number = said("GITHUB_REF").removeprefix("refs/pull/").partition("/")[0]
    repository = said.joined("GITHUB_SERVER_URL", "/", "GITHUB_REPOSITORY")
    return {
        "repository": repository,
        "commit": said("GITHUB_SHA"),
        "url": said.joined("GITHUB_SERVER_URL", "/", "GITHUB_REPOSITORY", "/actions/runs/", "GITHUB_RUN_ID"),
        "by": said("GITHUB_TRIGGERING_ACTOR", "GITHUB_ACTOR"),
        "ref": said("GITHUB_HEAD_REF", "GITHUB_REF_NAME"),
        "pull_request": f"{repository}/pull/{number}" if repository and number.isdigit() else "",
    }


def _gitlab(said: _Known) -> Said:
    return {
        "repository": said("CI_PROJECT_URL"),
        "commit": said("CI_COMMIT_SHA"),
        "authors": [said("CI_COMMIT_AUTHOR")] if said("CI_COMMIT_AUTHOR") else [],
        "url": said("CI_JOB_URL", "CI_PIPELINE_URL"),
        "by": said("GITLAB_USER_LOGIN", "GITLAB_USER_NAME"),
        "ref": said("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME", "CI_COMMIT_REF_NAME"),
        "pull_request": said.joined("CI_MERGE_REQUEST_PROJECT_URL", "/-/merge_requests/", "CI_MERGE_REQUEST_IID"),
    }


def _buildkite(said: _Known) -> Said:
    number = said("BUILDKITE_PULL_REQUEST")
    return {
        "repository": said("BUILDKITE_REPO"),
        "commit": said("BUILDKITE_COMMIT"),
        "url": said("BUILDKITE_BUILD_URL"),
        "by": said("BUILDKITE_BUILD_CREATOR", "BUILDKITE_UNBLOCKER"),
        "ref": said("BUILDKITE_BRANCH"),
        "pull_request": number if number.isdigit() else "",
    }


def _circleci(said: _Known) -> Said:
    return {
        "repository": said("CIRCLE_REPOSITORY_URL"),
        "commit": said("CIRCLE_SHA1"),
        "url": said("CIRCLE_BUILD_URL"),
        "by": said("CIRCLE_USERNAME"),
        "ref": said("CIRCLE_BRANCH", "CIRCLE_TAG"),
        "pull_request": said("CIRCLE_PULL_REQUEST"),
    }


def _jenkins(said: _Known) -> Said:
    return {
        "repository": said("GIT_URL"),
        "commit": said("GIT_COMMIT"),
        "url": said("BUILD_URL"),
        "by": said("BUILD_USER_ID", "BUILD_USER", "CHANGE_AUTHOR"),
        "ref": said("CHANGE_BRANCH", "BRANCH_NAME", "GIT_BRANCH"),
        "pull_request": said("CHANGE_URL", "CHANGE_ID"),
    }


def _azure(said: _Known) -> Said:
    place = said.joined("SYSTEM_COLLECTIONURI", "/", "SYSTEM_TEAMPROJECT", "/_build/results?buildId=", "BUILD_BUILDID")
    return {
        "repository": said("BUILD_REPOSITORY_URI"),
        "commit": said("BUILD_SOURCEVERSION"),
        "url": place,
        "by": said("BUILD_REQUESTEDFOR"),
        "ref": said("SYSTEM_PULLREQUEST_SOURCEBRANCH", "BUILD_SOURCEBRANCH"),
        "pull_request": said("SYSTEM_PULLREQUEST_PULLREQUESTNUMBER", "SYSTEM_PULLREQUEST_PULLREQUESTID"),
    }


def _bitbucket(said: _Known) -> Said:
    return {
        "repository": said("BITBUCKET_GIT_HTTP_ORIGIN"),
        "commit": said("BITBUCKET_COMMIT"),
        "url": said.joined("BITBUCKET_GIT_HTTP_ORIGIN", "/pipelines/results/", "BITBUCKET_BUILD_NUMBER"),
        "by": said("BITBUCKET_STEP_TRIGGERER_UUID"),
        "ref": said("BITBUCKET_BRANCH", "BITBUCKET_TAG"),
        "pull_request": said.joined("BITBUCKET_GIT_HTTP_ORIGIN", "/pull-requests/", "BITBUCKET_PR_ID"),
    }


_SYSTEMS: Final[tuple[tuple[str, str, Callable[[_Known], Said]], ...]] = (
    ("GITHUB_ACTIONS", "GitHub Actions", _github),
    ("GITLAB_CI", "GitLab CI", _gitlab),
    ("BUILDKITE", "Buildkite", _buildkite),
    ("CIRCLECI", "CircleCI", _circleci),
    ("TF_BUILD", "Azure Pipelines", _azure),
    ("BITBUCKET_BUILD_NUMBER", "Bitbucket Pipelines", _bitbucket),
    ("JENKINS_URL", "Jenkins", _jenkins),
)
"""What tells a system, its name, and how it is read."""
