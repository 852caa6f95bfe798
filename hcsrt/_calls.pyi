from collections.abc import Iterable
from typing import TypeAlias, final

from ._handles import OwnedProcess, OwnedSystem
from ._streams import ProcessStart

@final
class Limit:
    def __init__(self, timeout: float | None) -> None: ...
    @property
    def timeout(self) -> float | None: ...
    def cut(self) -> None: ...

@final
class Claim:
    def forsake(self, limit: Limit | None) -> bool: ...
    def settle(self) -> bool: ...

_Timeout: TypeAlias = Limit | float | None

def call(
    handle: OwnedSystem | OwnedProcess,
    function: str,
    text: str | None = None,
    timeout: _Timeout = None,
    *,
    resources: Iterable[tuple[int, str, int]] = (),
    identity: int | None = None,
) -> str | None: ...
def service(function: str, *texts: str | None) -> str | None: ...
def create_system(
    id: str,
    document: str,
    timeout: _Timeout = None,
    keep_on_abandon: bool = False,
    security_descriptor: int | None = None,
) -> OwnedSystem: ...
def create_system_in_namespace(
    namespace: str,
    id: str,
    document: str,
    timeout: _Timeout = None,
    keep_on_abandon: bool = False,
    user_token: int | None = None,
    security_descriptor: int | None = None,
) -> OwnedSystem: ...
def open_system(id: str, namespace: str | None = None) -> OwnedSystem: ...
def enumerate_systems(
    query: str | None = None, timeout: _Timeout = None, namespace: str | None = None
) -> str | None: ...
def create_process(
    system: OwnedSystem, parameters: str, timeout: _Timeout = None, keep_on_abandon: bool = False
) -> ProcessStart: ...
def process_info(process: OwnedProcess, timeout: _Timeout = None) -> ProcessStart: ...
def open_process(system: OwnedSystem, pid: int) -> OwnedProcess: ...
