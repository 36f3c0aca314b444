import copy
import importlib.util
import json
import pickle
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from torch import nn

from pyg_moleblend import components
from pyg_moleblend.components import (
    Component,
    Registry,
    UnknownComponentError,
    arguments_of,
    build,
    construct,
    describe,
    find,
    register,
    with_components,
)


@pytest.fixture(autouse=True)
def _own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    r"""What a test registers is forgotten afterwards."""
    monkeypatch.setattr(components.REGISTRY, "_classes", dict(components.REGISTRY._classes))


class Point(Component):
    def __init__(self, x: float, y: float = 0.0, *, label: str | None = None) -> None:
        self.x, self.y, self.label = x, y, label


class Pair(Component):
    def __init__(self, first: Point, others: list[Point] | None = None, named: dict[str, Any] | None = None) -> None:
        self.first, self.others, self.named = first, others or [], named or {}


class Open(Component):
    def __init__(self, size: int, **kwargs: Any) -> None:
        self.size, self.kwargs = size, kwargs


def through_json(description: dict[str, Any]) -> dict[str, Any]:
    return json.loads(json.dumps(description, allow_nan=False))


def defined_twice() -> tuple[type, type]:
    r"""A class statement that runs two times, as a cell of a notebook does."""

    def cell() -> type:
        class Again(Component):
            pass

        return Again

    return cell(), cell()


def test_a_name_belongs_to_one_class():
    assert register(Point) is Point
    with pytest.raises(ValueError, match=r"two components are called 'Point': .*test_components\.Point and .*\.Open"):
        register("Point")(Open)
    assert register(Point) is Point  # the same class may come again
    assert find("Point") is Point


def test_a_class_is_registered_under_another_name_on_request():
    assert register("another-point")(Point) is Point
    assert describe(Point(1.0))["component"] == "another-point"
    assert build(describe(Point(1.0))).x == 1.0
    assert find("another-point") is Point
    with pytest.raises(UnknownComponentError):
        find("Point")


def test_a_class_that_is_defined_again_takes_the_place_of_the_first():
    first, second = defined_twice()
    assert first is not second
    old = register(first)()
    register(second)
    assert find("Again") is second
    assert describe(second())["component"] == describe(old)["component"] == "Again"
    assert type(build(describe(old))) is second


def test_a_class_that_is_defined_again_under_another_name_is_that_one():
    first, second = defined_twice()
    register(first)
    register("renamed")(second)
    assert describe(second())["component"] == "renamed"
    assert type(build(describe(second()))) is second


@pytest.mark.parametrize("target", [3, None, Point(1.0), [Point]], ids=["number", "none", "object", "list"])
def test_what_is_neither_class_nor_name_is_not_registered(target: object):
    with pytest.raises(TypeError, match="register takes a class or a name"):
        register(target)


def test_a_component_comes_back_with_its_arguments():
    register(Point)
    made = Point(1.5, label="corner")
    description = describe(made)
    assert description == {"component": "Point", "arguments": {"x": 1.5, "y": 0.0, "label": "corner"}}
    again = build(through_json(description))
    assert (type(again), again.x, again.y, again.label) == (Point, 1.5, 0.0, "corner")
    assert describe(again) == description


def test_positional_arguments_and_defaults_are_recorded_by_name():
    assert arguments_of(Point(2, 3)) == {"x": 2, "y": 3, "label": None}
    assert Point(2).component_arguments() == {"x": 2, "y": 0.0, "label": None}


def test_a_default_that_is_saved_does_not_change_with_the_class():
    def version(default: float) -> type:
        class Versioned(Component):
            def __init__(self, scale: float = default) -> None:
                self.scale = scale

        return Versioned

    saved = through_json(describe(register(version(1.0))()))
    register(version(9.0))
    assert build(saved).scale == 1.0


def test_a_default_that_is_no_json_is_left_to_the_class():
    marker = object()

    class Sentinel(Component):
        def __init__(self, size: int = 3, given: object = marker) -> None:
            self.size, self.given = size, given

    assert describe(Sentinel()) == {"component": "Sentinel", "arguments": {"size": 3}}
    with pytest.raises(ValueError, match=r"Sentinel\(given=\.\.\.\) cannot be saved"):
        describe(Sentinel(given=marker))


def test_keyword_arguments_of_any_name_are_recorded():
    register(Open)
    made = Open(3, scale=2.0, points=[1, 2])
    assert arguments_of(made) == {"size": 3, "scale": 2.0, "points": [1, 2]}
    again = build(through_json(describe(made)))
    assert (again.size, again.kwargs) == (3, {"scale": 2.0, "points": [1, 2]})


def test_arguments_without_names_are_refused():
    class Several(Component):
        def __init__(self, *sizes: int) -> None:
            self.sizes = sizes

    assert arguments_of(Several()) == {}
    with pytest.raises(TypeError, match=r"Several takes \*sizes: a component's arguments need names"):
        Several(1, 2)


def test_wrong_arguments_are_refused_by_the_constructor():
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'x'"):
        Point()
    with pytest.raises(TypeError, match="unexpected keyword argument 'z'"):
        Point(1, z=3)


def test_components_within_components_lists_and_mappings():
    register(Point)
    register(Pair)
    made = Pair(Point(1), [Point(2), Point(3, label="c")], {"far": Point(4), "count": 2, "names": ["a", None, True]})
    again = build(through_json(describe(made)))
    assert describe(again) == describe(made)
    assert [point.x for point in (again.first, *again.others, again.named["far"])] == [1, 2, 3, 4]
    assert again.named["names"] == ["a", None, True]


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), {1, 2}, b"bytes", object(), nn.Linear(2, 2), {3: "three"}, len, 1j, Path("x")],
    ids=["nan", "inf", "set", "bytes", "object", "module", "numbered", "function", "complex", "path"],
)
@pytest.mark.parametrize("where", ["alone", "list", "mapping"])
def test_what_cannot_be_json_is_refused_and_its_argument_named(value: object, where: str):
    given = {"alone": value, "list": [1, value], "mapping": {"a": value}}[where]
    with pytest.raises(ValueError, match=r"Point\(y=\.\.\.\) cannot be saved"):
        describe(Point(1.0, given))


def test_tuples_become_lists():
    register(Point)
    assert build(through_json(describe(Point((1, 2))))).x == [1, 2]


def test_arguments_are_those_at_the_time():
    names = ["a"]
    sizes = {"inner": [1]}
    made = Open(3, names=names, sizes=sizes)
    names.append("b")
    sizes["inner"].append(2)
    assert describe(made)["arguments"] == {"size": 3, "names": ["a"], "sizes": {"inner": [1]}}
    arguments_of(made)["size"] = 4
    assert arguments_of(made)["size"] == 3


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))])
def test_a_copy_has_the_arguments(duplicate: Callable[[Any], Any]):
    for made in (Point(1.5, label="corner"), Pair(Point(1), [Point(2)]), Open(3, scale=2.0)):
        assert describe(duplicate(made)) == describe(made)


def test_a_deep_copys_arguments_are_its_own():
    made = Pair(Point(1))
    twin = copy.deepcopy(made)
    assert arguments_of(twin)["first"] is twin.first is not made.first


class Scaled(nn.Module):
    r"""Knows nothing of components."""

    def __init__(self, channels: int, scale: float = 1.0) -> None:
        super().__init__()
        self.linear = nn.Linear(channels, channels)
        self.scale = scale


def test_a_module_needs_no_base_class():
    cls = register("scaled-module")(type("Registered", (Scaled,), {}))
    made = cls(4, scale=0.5)
    assert describe(made) == {"component": "scaled-module", "arguments": {"channels": 4, "scale": 0.5}}
    again = build(through_json(describe(made)))
    assert (type(again), again.scale, again.linear.out_features) == (cls, 0.5, 4)
    assert describe(copy.deepcopy(made)) == describe(made)
    assert set(made.state_dict()) == {"linear.weight", "linear.bias"}


def test_a_subclass_of_a_registered_module_has_arguments_of_its_own():
    base = register(type("Base", (Scaled,), {}))

    class Unregistered(base):
        def __init__(self, scale: float, channels: int = 3) -> None:
            super().__init__(channels, scale)

    with pytest.raises(ValueError, match=r"nobody knows the arguments that .*Unregistered was built with"):
        arguments_of(Unregistered(0.5))
    cls = register(Unregistered)
    assert describe(cls(0.5)) == {"component": "Unregistered", "arguments": {"scale": 0.5, "channels": 3}}
    assert describe(base(3, 0.5)) == {"component": "Base", "arguments": {"channels": 3, "scale": 0.5}}


def test_a_module_that_nobody_recorded_cannot_be_described():
    with pytest.raises(
        ValueError, match=r"nobody knows the arguments that .*Scaled was built with: decorate.*@register"
    ):
        describe(Scaled(3))


def test_a_class_without_a_name_of_its_own_cannot_be_described():
    register(Point)
    impostor = type("Point", (Component,), {"__module__": "elsewhere"})
    with pytest.raises(ValueError, match=r"'Point' is the name of another component: decorate it"):
        describe(impostor())


def test_an_unregistered_class_is_passed():
    description = through_json(describe(Point(1.5)))
    with pytest.raises(UnknownComponentError):
        build(description)
    assert build(description, with_components([Point])).x == 1.5
    with pytest.raises(UnknownComponentError):  # that call alone knew it
        build(description)


def test_classes_that_are_passed_are_classes_of_different_names():
    with pytest.raises(ValueError, match="`components` must be classes, got"):
        with_components([Point(1.0)])
    with pytest.raises(ValueError, match="two components are called 'Point'"):
        with_components([Point, type("Point", (Component,), {"__module__": "elsewhere"})])
    register("corner")(Point)
    assert build({"component": "corner", "arguments": {"x": 1}}, with_components([Point])).x == 1


def test_a_registry_knows_its_parents_names():
    parent = Registry()
    parent.add(Point, "Point")
    child = Registry(parent)
    child.add(Open, "Open")
    assert child.get("Point") is Point
    assert parent.get("Open") is None
    assert (child.names(), parent.names()) == (["Open", "Point"], ["Point"])


def test_an_unknown_name_is_told_with_its_file_and_the_remedies():
    register(Point)
    with pytest.raises(UnknownComponentError) as raised:
        build({"component": "Pont", "arguments": {}}, source="folder/config.json")
    message = str(raised.value)
    assert isinstance(raised.value, ValueError)
    assert message.startswith("folder/config.json needs the component 'Pont', which is not known here")
    assert "is it 'Point'?" in message
    for remedy in ("@register", "components=[Pont]", components.ENTRY_POINTS, "--plugin FILE.py"):
        assert remedy in message
    with pytest.raises(UnknownComponentError) as raised:
        build({"component": "Zyzzyva", "arguments": {}})
    assert "is it" not in str(raised.value)


def test_an_unknown_name_is_found_however_deep_it_lies():
    register(Pair)
    description = {"component": "Pair", "arguments": {"first": None, "others": [{"a": describe(Point(1))}]}}
    with pytest.raises(UnknownComponentError, match="'Point'"):
        build(description)


@pytest.mark.parametrize(
    ("name", "given"), [(None, {}), (3, {}), ([], {}), ("Point", None), ("Point", [1]), ("Point", "x")], ids=str
)
def test_a_damaged_description_is_told(name: object, given: object):
    register(Point)
    with pytest.raises(ValueError, match="file is damaged: a component must have a name and a mapping"):
        build({"component": name, "arguments": given}, source="file")


@pytest.mark.parametrize("error", [TypeError, ValueError, KeyError, AttributeError, RuntimeError, ZeroDivisionError])
def test_arguments_that_the_class_refuses_are_told_with_the_file(error: type[Exception]):
    class Picky(Component):
        def __init__(self, size: int) -> None:
            raise error("no such size")

    register(Picky)
    with pytest.raises(ValueError, match=r"file: component 'Picky' cannot be built: .*no such size"):
        build({"component": "Picky", "arguments": {"size": 1}}, source="file")
    with pytest.raises(ValueError, match=r"file: component 'Picky' cannot be built: .*unexpected keyword argument"):
        build({"component": "Picky", "arguments": {"width": 1}}, source="file")


def test_values_that_are_no_descriptions_come_back_as_they_are():
    values = [1, "a", None, {"component": "Point"}, {"component": "Point", "arguments": {}, "more": 1}, [2.5, [True]]]
    assert build(values) == values


def installed(folder: Path, name: str, code: str, points: str, monkeypatch: pytest.MonkeyPatch) -> None:
    r"""Puts a distribution with entry points where Python looks for installed ones."""
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (folder / f"{name}.py").write_text(textwrap.dedent(code))
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{components.ENTRY_POINTS}]\n{points}\n")
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.delitem(sys.modules, name, raising=False)


BASED = """
    from pyg_moleblend.components import Component, register

    class Offered(Component):
        def __init__(self, size: int) -> None:
            self.size = size
"""


def test_an_installed_package_offers_components(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    installed(tmp_path, "offers_class", BASED, "offered = offers_class:Offered", monkeypatch)
    assert "offers_class" not in sys.modules
    find("MoleBlend")
    assert "offers_class" not in sys.modules  # nobody is asked while the name is known
    made = build({"component": "Offered", "arguments": {"size": 3}})
    assert made.size == 3
    assert type(made) is sys.modules["offers_class"].Offered
    assert describe(made) == {"component": "Offered", "arguments": {"size": 3}}


def test_an_installed_package_offers_a_module_without_base_class(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    code = """
        from torch import nn

        class OfferedModule(nn.Module):
            def __init__(self, size: int = 2) -> None:
                super().__init__()
                self.linear = nn.Linear(size, size)
    """
    installed(tmp_path, "offers_module", code, "any = offers_module:OfferedModule", monkeypatch)
    made = build({"component": "OfferedModule", "arguments": {}})
    assert describe(made) == {"component": "OfferedModule", "arguments": {"size": 2}}


def test_an_entry_point_may_be_a_module_that_registers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    code = textwrap.dedent(BASED) + '\nregister("offered-by-module")(Offered)\n'
    installed(tmp_path, "offers_many", code, "all = offers_many", monkeypatch)
    assert build({"component": "offered-by-module", "arguments": {"size": 3}}).size == 3


@pytest.mark.parametrize(
    ("code", "point"),
    [("import no_such_package", "broken_offer:Offered"), (BASED, "broken_offer:Absent")],
    ids=["import", "absent"],
)
def test_a_broken_package_is_warned_of_and_the_others_are_asked(
    code: str, point: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    installed(tmp_path / "a", "broken_offer", code, f"broken = {point}", monkeypatch)
    installed(tmp_path / "b", "sound_offer", BASED, "sound = sound_offer:Offered", monkeypatch)
    with pytest.warns(UserWarning, match="the components of entry point 'broken' cannot be had"):
        made = build({"component": "Offered", "arguments": {"size": 3}})
    assert type(made) is sys.modules["sound_offer"].Offered


def test_components_know_nothing_of_torch():
    code = "import sys, pyg_moleblend.components; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


class ByPlace(Component):
    def __init__(self, size: int, given: object = object, scale: float = 2.0, /, *, label: str = "") -> None:
        self.size, self.given, self.scale, self.label = size, given, scale, label


def test_arguments_by_place_alone_come_back():
    register(ByPlace)
    again = build(through_json(describe(ByPlace(3, label="x"))))
    assert (again.size, again.given, again.scale, again.label) == (3, object, 2.0, "x")


def test_a_misspelt_argument_is_told_with_the_names_that_there_are():
    register(Point)
    with pytest.raises(ValueError, match=r"f: component 'Point' .*\['lable'\], its own are \['x', 'y', 'label'\]"):
        build({"component": "Point", "arguments": {"x": 1, "lable": "a"}}, source="f")


def test_the_first_argument_has_any_name_and_gives_way():
    class Named(Component):
        def __init__(self, width: int, *, more: int = 0) -> None:
            self.width, self.more = width, more

    assert construct(Named, {"more": 2}, "it", {"heads": 4}).width == 4
    assert construct(Named, {"width": 3}, "it", {"heads": 4}).width == 3
    assert construct(Open, {"scale": 1}, "it", {"size": 4}).size == 4
    assert construct(ByPlace, {}, "it", {"heads": 4}).size == 4


def test_an_error_of_any_kind_is_told_with_the_file():
    class Asserting(Component):
        def __init__(self, size: int) -> None:
            assert size > 3

    register(Asserting)
    with pytest.raises(ValueError, match="file: component 'Asserting' cannot be built"):
        build({"component": "Asserting", "arguments": {"size": 1}}, source="file")


def test_two_classes_of_one_name_are_not_saved_together():
    impostor = type("Point", (Point,), {"__module__": "elsewhere"})
    with pytest.raises(ValueError, match=r"two classes are called 'Point', .*test_components\.Point and elsewhere"):
        describe(Pair(Point(1), [impostor(2)]))


def test_a_mapping_that_reads_like_a_component_is_not_saved():
    with pytest.raises(ValueError, match=r"Open\(a=\.\.\.\) cannot be saved: .* stands for a component"):
        describe(Open(1, a={"component": "Point", "arguments": {}}))


def test_a_class_that_is_passed_and_not_registered_can_be_saved_again():
    known = {"component": "Scaled", "arguments": {"channels": 3, "scale": 2.0}}
    assert describe(build(known, with_components([Scaled]))) == known


def test_one_class_instead_of_a_list_is_refused():
    with pytest.raises(ValueError, match=r"`components` must be a list of classes, components=\[Point\]"):
        with_components(Point)


def test_a_file_may_be_a_script_and_a_module_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "both_at_once.py").write_text(textwrap.dedent(BASED).replace("class", "@register\nclass"))
    monkeypatch.syspath_prepend(str(tmp_path))
    module = importlib.import_module("both_at_once")
    spec = importlib.util.spec_from_file_location("the_same_file", tmp_path / "both_at_once.py")
    script = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "the_same_file", script)
    spec.loader.exec_module(script)
    assert find("Offered") is script.Offered is not module.Offered
    assert type(build(describe(module.Offered(3)))) is script.Offered
    del sys.modules["both_at_once"]


def test_a_class_with_slots_alone_is_refused():
    class Slotted:
        __slots__ = ("size",)

        def __init__(self, size: int) -> None:
            self.size = size

    with pytest.raises(ValueError, match="Slotted has __slots__ alone"):
        register(Slotted)


def test_a_package_that_breaks_in_any_way_keeps_no_other_from_being_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    installed(tmp_path / "a", "raising_offer", "raise RuntimeError('odd')", "broken = raising_offer", monkeypatch)
    installed(tmp_path / "b", "function_offer", "def offer(): ...", "odd = function_offer:offer", monkeypatch)
    installed(tmp_path / "c", "fine_offer", BASED, "fine = fine_offer:Offered", monkeypatch)
    with pytest.warns(UserWarning, match="entry point") as warned:
        assert build({"component": "Offered", "arguments": {"size": 3}}).size == 3
    said = "; ".join(str(warning.message) for warning in warned)
    assert "'broken' cannot be had: RuntimeError: odd" in said
    assert "'odd' cannot be had: TypeError: it is neither a class nor a module" in said
