"""The contract over a policy file, on real sockets."""

from tests.harness.policy_authoring import AuthoringSuite
from tests.harness.policy_defects import DefectSuite
from tests.harness.policy_history import HistorySuite
from tests.harness.policy_suite import ContractSuite


class TestContract(ContractSuite):
    pass


class TestDefects(DefectSuite):
    pass


class TestHistory(HistorySuite):
    pass


class TestAuthoring(AuthoringSuite):
    pass
