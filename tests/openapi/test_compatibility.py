"""What docs/compatibility.md claims: each operation has tests, each code is provoked or excused, nothing is stale."""

import pytest
from tools.compatibility import RECORDS, beyond_codes, excuses, missing_codes, missing_parameters, provoked
from tools.contract import ContractOperation, operations

from mooring.openapi import OPERATIONS
from recording import LAST, PROGRESS, RECORDED, compare

FOUND = operations()
SERVED = [FOUND[operation.id] for operation in OPERATIONS]


def test_operations_are_those_of_the_contract() -> None:
    assert len({operation.id for operation in OPERATIONS}) == len(OPERATIONS)
    for operation in OPERATIONS:
        documented = FOUND[operation.id]
        service = None if documented.service == "none" else documented.service
        assert (operation.method, operation.path, operation.service) == (documented.method, documented.path, service)


@pytest.mark.parametrize("operation", SERVED, ids=lambda operation: operation.id)
def test_an_operation_that_is_served_has_a_test_of_its_success(operation: ContractOperation) -> None:
    assert 200 in provoked()[operation.id].codes


@pytest.mark.parametrize("operation", SERVED, ids=lambda operation: operation.id)
def test_a_documented_code_is_provoked_or_excused(operation: ContractOperation) -> None:
    excused = {excuse.what for excuse in excuses("codes") if excuse.covers(operation.id)}
    assert [code for code in missing_codes(operation) if code not in excused] == []


@pytest.mark.parametrize("operation", SERVED, ids=lambda operation: operation.id)
def test_a_code_that_is_not_documented_has_its_reason(operation: ContractOperation) -> None:
    known = {excuse.what for excuse in excuses("beyond") if excuse.covers(operation.id)}
    assert [code for code in beyond_codes(operation) if code not in known] == []


@pytest.mark.parametrize("operation", SERVED, ids=lambda operation: operation.id)
def test_a_documented_parameter_is_sent_or_excused(operation: ContractOperation) -> None:
    excused = {excuse.what for excuse in excuses("parameters") if excuse.covers(operation.id)}
    assert [name for name in missing_parameters(operation) if name not in excused] == []


def test_an_excuse_is_needed_by_each_operation_it_names() -> None:
    idle: list[tuple[int | str, str]] = []
    kinds = (("codes", missing_codes), ("beyond", beyond_codes), ("parameters", missing_parameters))
    for kind, missing in kinds:
        for excuse in excuses(kind):
            needed = {operation.id for operation in SERVED if excuse.what in missing(operation)}
            idle += [(excuse.what, name) for name in excuse.operations - needed]
            if not excuse.operations and not needed:
                idle.append((excuse.what, "any operation"))
    assert idle == []


def test_the_records_are_what_the_tests_of_this_run_did(pytestconfig: pytest.Config) -> None:
    if pytestconfig.getoption("--record"):
        pytest.skip("this run writes the records")
    faults = []
    for file in sorted({*PROGRESS.ran, *RECORDED} - set(LAST)):
        whole = file in PROGRESS.ran and file not in PROGRESS.partial
        faults += compare(file, RECORDED.get(file, {}), whole=whole)
    assert faults == [], "run the tests named here as whole files with --record, then tools/generate_docs.py"


def test_each_record_is_that_of_a_test_file() -> None:
    files = {path.stem for path in RECORDS.parent.rglob("test_*.py")}
    assert [path.name for path in RECORDS.glob("*.json") if path.stem not in files] == []
