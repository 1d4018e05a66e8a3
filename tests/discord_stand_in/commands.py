"""The bot's registered commands, and how a person fills them in."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Protocol

from . import payloads, rules
from .errors import NotPossible
from .permissions import EVERYTHING, Permission

if TYPE_CHECKING:
    from .channels import Channel
    from .clock import Clock
    from .guilds import Guild
    from .people import User

Json = dict[str, Any]

STRING_SELECT = 3  # a component

SUBCOMMAND, GROUP, STRING, INTEGER, BOOLEAN, USER, CHANNEL, ROLE, MENTIONABLE, NUMBER = range(1, 11)

LOCALIZATIONS = {"name_localizations", "description_localizations"}

PYTHON_TYPES: dict[int, tuple[type, ...]] = {
    STRING: (str,),
    INTEGER: (int,),
    BOOLEAN: (bool,),
    NUMBER: (int, float),
}
RESOLVED_TYPES = {USER: ("users",), CHANNEL: ("channels",), ROLE: ("roles",), MENTIONABLE: ("users", "roles")}


class Resolvable(Protocol):
    """A user, channel, role or message as an option: sent as an id, with the object under `resolved`."""

    id: int

    @property
    def resolves_as(self) -> str: ...

    def payload(self) -> Json: ...


class Commands:
    """The registered commands: global (None) and of single servers."""

    def __init__(self, clock: Clock, application_id: int) -> None:
        self._clock = clock
        self._application_id = application_id
        self.registered: dict[int | None, list[Json]] = {None: []}
        self.syncs = 0
        """How often the bot has replaced a set of commands; Discord allows few of these a day."""

    def replace(self, guild_id: int | None, bodies: list[Json]) -> list[Json]:
        rules.check_commands(bodies)
        known = {(c["type"], c["name"]): c["id"] for c in self.registered.get(guild_id, [])}
        self.registered[guild_id] = [self._register(body, guild_id, known) for body in bodies]
        self.syncs += 1
        return self.registered[guild_id]

    def _register(self, body: Json, guild_id: int | None, known: dict[tuple[int, str], str]) -> Json:
        """A command as Discord returns it, with fields that were not sent: a bot that compares them must cope."""
        kind, permissions = body.get("type") or 1, body.get("default_member_permissions")
        command: Json = {
            "id": known.get((kind, body["name"])) or str(self._clock.snowflake()),
            "application_id": str(self._application_id),
            "version": str(self._clock.snowflake()),
            "type": kind,
            "name": body["name"],
            "description": body.get("description") or "",
            "default_member_permissions": None if permissions is None else str(permissions),
            "nsfw": bool(body.get("nsfw")),
        }
        for key in LOCALIZATIONS & body.keys():
            command[key] = body[key] or None
        if body.get("options"):
            command["options"] = [_as_returned(option) for option in body["options"]]
        if guild_id is not None:
            return command | {"guild_id": str(guild_id)}
        return command | {
            "dm_permission": body.get("dm_permission") is not False,
            "contexts": body.get("contexts"),
            "integration_types": body.get("integration_types") or [0],
        }

    def listed(self, guild_id: int | None, *, localized: bool) -> list[Json]:
        """The commands as the bot reads them, with translations only if it asks for them."""
        registered = self.registered.get(guild_id, [])
        return registered if localized else [_without_localizations(command) for command in registered]

    def offered(self, user: User, channel: Channel) -> list[Json]:
        """The commands that Discord offers somebody in a channel."""
        permissions = channel.permissions(user)
        if Permission.USE_APPLICATION_COMMANDS not in permissions:
            return []
        scopes = (channel.guild.id, None) if channel.guild else (None,)
        registered = [command for scope in scopes for command in self.registered.get(scope, [])]
        return [command for command in registered if _is_offered(command, permissions, channel.guild)]

    def find(self, user: User, channel: Channel, name: str, kind: int) -> tuple[Json, list[Json]]:
        """The command of that name with its parents: [command] or [command, group, subcommand]."""
        words = name.split() if kind == 1 else [name]
        offered = [c for c in self.offered(user, channel) if c["type"] == kind]
        command = next((c for c in offered if c["name"] == words[0]), None)
        if command is None:
            names = ", ".join(c["name"] for c in offered) or "none"
            raise NotPossible(f"{user.name} is not offered {name!r} in {channel}; offered: {names}")
        path = [command]
        for word in words[1:]:
            deeper = (o for o in path[-1].get("options", []) if o["name"] == word and o["type"] in (SUBCOMMAND, GROUP))
            path.append(next(deeper, {}))
        if not path[-1] or any(o["type"] in (SUBCOMMAND, GROUP) for o in path[-1].get("options", [])):
            raise NotPossible(f"{name!r} is not a whole command")
        return command, path


def _without_localizations(command: Json) -> Json:
    plain = {key: value for key, value in command.items() if key not in LOCALIZATIONS}
    if "options" in plain:
        plain["options"] = [_without_localizations(option) for option in plain["options"]]
    return plain


def _as_returned(option: Json) -> Json:
    """An option without null and false values."""
    returned = {key: value for key, value in option.items() if value not in (None, False)}
    if "options" in returned:
        returned["options"] = [_as_returned(each) for each in returned["options"]]
    return returned


def _is_offered(command: Json, permissions: Permission, guild: Guild | None) -> bool:
    contexts = command.get("contexts")
    if contexts is not None:
        if (0 if guild else 1) not in contexts:
            return False
    elif guild is None and command.get("dm_permission") is False:
        return False
    needed = command["default_member_permissions"]
    if guild is None or needed is None:
        return True
    # "0" means administrators only
    return permissions == EVERYTHING or (int(needed) != 0 and int(permissions) & int(needed) == int(needed))


def fill_in(command: Json, given: dict[str, Any]) -> tuple[list[Json], list[Resolvable]]:
    """The options as Discord sends them, and the objects that they refer to."""
    options = {option["name"]: option for option in command.get("options", [])}
    if strange := given.keys() - options.keys():
        raise NotPossible(f"{command['name']} has no option {', '.join(sorted(strange))}; it has {', '.join(options)}")
    missing = [name for name, option in options.items() if option.get("required") and name not in given]
    if missing:
        raise NotPossible(f"{command['name']} cannot be run without {', '.join(missing)}")
    filled, things = [], []
    for name, value in given.items():
        filled.append({"name": name, "type": options[name]["type"], "value": _value(options[name], value)})
        if options[name]["type"] in RESOLVED_TYPES:
            things.append(value)
    return filled, things


def _value(option: Json, value: Any) -> Any:
    name, kind = option["name"], option["type"]
    if kind in RESOLVED_TYPES:
        if getattr(value, "resolves_as", None) not in RESOLVED_TYPES[kind]:
            raise NotPossible(f"{name} takes one of {RESOLVED_TYPES[kind]}, not {value!r}")
        return str(value.id)
    if not isinstance(value, PYTHON_TYPES[kind]) or (isinstance(value, bool) and kind != BOOLEAN):
        raise NotPossible(f"{name} takes {PYTHON_TYPES[kind]}, not {value!r}")
    if choices := option.get("choices"):
        # People pick a choice by its displayed name.
        chosen = [c["value"] for c in choices if value in (c["name"], c["value"])]
        if not chosen:
            raise NotPossible(f"{name} offers {[c['name'] for c in choices]}, not {value!r}")
        return chosen[0]
    of, size = ("length", len(value)) if isinstance(value, str) else ("value", value)
    if not option.get(f"min_{of}", size) <= size <= option.get(f"max_{of}", size):
        raise NotPossible(f"{name}: {value!r} is outside of the limits that the command sets")
    return value


def half_filled(command: Json, option: str, typed: str) -> list[Json]:
    """The options while somebody is still typing into one of them."""
    found = next((o for o in command.get("options", []) if o["name"] == option and o.get("autocomplete")), None)
    if found is None:
        raise NotPossible(f"{command['name']} does not complete {option!r}")
    return [{"name": option, "type": found["type"], "value": typed, "focused": True}]


def nest(path: list[Json], options: list[Json]) -> list[Json]:
    """Nest the options in the subcommand, and that in its group."""
    for step in reversed(path[1:]):
        options = [{"name": step["name"], "type": step["type"], "options": options}]
    return options


def payload(command: Json, channel: Channel, options: list[Json], things: Iterable[Resolvable]) -> Json:
    """The data of a command's interaction."""
    data: Json = {"id": command["id"], "name": command["name"], "type": command["type"], "options": options}
    if "guild_id" in command:
        data["guild_id"] = command["guild_id"]
    resolved: dict[str, Json] = {}
    for thing in things:
        resolved.setdefault(thing.resolves_as, {})[str(thing.id)] = thing.payload()
        if channel.guild and thing.resolves_as == "users" and (membership := channel.guild.members.get(thing.id)):
            permissions = {"permissions": str(int(channel.permissions(membership.user)))}
            resolved.setdefault("members", {})[str(thing.id)] = payloads.member(membership) | permissions
    return data | ({"resolved": resolved} if resolved else {})


def fill_in_form(form: Json, answers: dict[str, str]) -> Json:
    """The data of a submitted form: every field, filled in, or an option chosen by its label, or as it was preset."""
    components: list[Json] = []
    for row in form["components"]:
        # A field is in a row, or under a label.
        field = row["component"] if "component" in row else row["components"][0]
        given = answers.pop(field["custom_id"], None)
        answer = {"type": field["type"], "custom_id": field["custom_id"], "id": len(components) + 1}
        if field["type"] == STRING_SELECT:
            answer["values"] = [
                o["value"] for o in field["options"] if given == o["label"] or (not given and o["default"])
            ]
            filled = answer["values"]
        else:
            answer["value"] = filled = given if given is not None else field.get("value") or ""
        if field.get("required", True) and not filled:
            raise NotPossible(f"{field['custom_id']} must be filled in")
        inside = {"component": answer} if "component" in row else {"components": [answer]}
        components.append({"type": row["type"], "id": 100 + len(components), **inside})
    if answers:
        raise NotPossible(f"the form has no field {', '.join(answers)}")
    return {"custom_id": form["custom_id"], "components": components}
