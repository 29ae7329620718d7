"""What the thing model room offers."""

import types

from mooring import thingmodel


def test_all_lists_what_the_package_exports() -> None:
    offered = {
        name
        for name, value in vars(thingmodel).items()
        if not name.startswith("_") and not isinstance(value, types.ModuleType)
    }
    # Two functions carry the names of the modules they come from.
    assert set(thingmodel.__all__) == offered
    assert callable(thingmodel.check)
    assert callable(thingmodel.compare)


def test_all_is_sorted_as_the_linter_wants_it() -> None:
    constants = [name for name in thingmodel.__all__ if name.isupper()]
    classes = [name for name in thingmodel.__all__ if name[0].isupper() and name not in constants]
    functions = [name for name in thingmodel.__all__ if name[0].islower()]
    assert thingmodel.__all__ == [*sorted(constants), *sorted(classes), *sorted(functions)]
