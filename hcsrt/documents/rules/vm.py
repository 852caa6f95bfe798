"""Rules of virtual machines: firmware, memory, processors and devices."""

from __future__ import annotations

from typing import Any

from ..bounds import LAST_COM_PORT, LAST_LUN, MOST_MEGABYTES
from . import Look, rule
from .texts import absolute, as_hcn_writes_it, guid_key, mac, number, pipe, removed

_MOST_CONTROLLERS = 4
_MOST_PMEM = 128
_PAGE = 4096
_LARGEST_LIMIT = 100_000
_LARGEST_WEIGHT = 10_000

_LAST_VIRTUAL_NODE = 64
_PHYSICAL_NODES = 64
_ANY_PHYSICAL_NODE = 255

_READ_ONLY, _RESTRICTED = 0x01, 0x80
_FLAGS_OF_PLAN9 = {
    _READ_ONLY: "read only", 4: "metadata of Linux", 8: "case sensitive", 16: "identity of the root",
    32: "options allowed", 64: "subpaths allowed", _RESTRICTED: "AllowedFiles",
}  # fmt: skip


# --- the machine itself ---------------------------------------------------------------------------------------------


@rule("VirtualMachine", fact="Microsoft's samples, hcsshim, WSL, multipass: each of them gives both")
def machine_is_complete(look: Look, machine: dict[str, Any]) -> None:
    """A machine has a chipset, and memory and processors."""
    if "RestoreState" in machine or removed(look):
        return
    if "Chipset" not in machine:
        look.warning("Chipset", "every known client says here what the machine starts by: add it")
    if "ComputeTopology" not in machine:
        look.warning("ComputeTopology", "every known client gives the memory and the processors here: add them")


# --- firmware and boot ------------------------------------------------------------------------------------------------


@rule("Chipset", fact="hcsshim, WSL, multipass: every known client gives one of the two")
def one_firmware(look: Look, chipset: dict[str, Any]) -> None:
    """A chipset has Uefi or LinuxKernelDirect, and not both."""
    given = [name for name in ("Uefi", "LinuxKernelDirect") if name in chipset]
    if len(given) == 2:
        look.warning((), "every known client boots a machine by Uefi or by LinuxKernelDirect, not both: leave one out")
    elif not given:
        look.warning((), "every known client boots a machine by Uefi or by LinuxKernelDirect: add one of them")


@rule("UefiBootEntry", fact="Microsoft's Quick Start sample, multipass: DevicePath is the name of a SCSI controller")
def boot_disk_is_there(look: Look, entry: dict[str, Any]) -> None:
    """The disk to boot from is attached to a SCSI controller of the machine, which DevicePath names."""
    machine = look.of("VirtualMachine")
    if machine is None or entry.get("DeviceType") != "ScsiDrive":
        return
    controllers = machine.get("Devices", {}).get("Scsi", {})
    name = entry.get("DevicePath", "")
    if name not in controllers:
        look.warning(
            "DevicePath", "no SCSI controller in Devices has this name: give the name of the disk's controller"
        )
        return
    place = str(entry.get("DiskNumber", 0))
    if place not in controllers[name].get("Attachments", {}):
        look.warning("DiskNumber", f"the SCSI controller has nothing at LUN {place}: give the LUN of the boot disk")


@rule("UefiBootEntry", fact="hcsshim, prepareConfigDoc and CreateLCOW")
def boot_folder_is_there(look: Look, entry: dict[str, Any]) -> None:
    """To boot from a folder there are VmbFsRootPath or the share "os", and a path below them."""
    if entry.get("DeviceType") != "VmbFs":
        return
    if not entry.get("DevicePath", "\\").startswith("\\"):
        look.warning("DevicePath", r"a path below the boot folder is expected, as in \EFI\Microsoft\Boot\bootmgfw.efi")
    machine = look.of("VirtualMachine")
    if machine is None or entry.get("VmbFsRootPath"):
        return
    shares = machine.get("Devices", {}).get("VirtualSmb", {}).get("Shares", ())
    if not any(share.get("Name") == "os" for share in shares):
        look.warning(
            "VmbFsRootPath",
            'a machine boots from the folder that this names, or from the share "os" in Devices.VirtualSmb: '
            "add one of the two",
        )


@rule("LinuxKernelDirect", fact="hcsshim, CreateLCOW; WSL: both send a full path")
def kernel_is_named(look: Look, direct: dict[str, Any]) -> None:
    """The kernel is named by an absolute path."""
    path = direct.get("KernelFilePath")
    if not path:
        look.warning("KernelFilePath", "every known client names the file of the kernel: add it")
    elif not absolute(look, path):
        look.warning("KernelFilePath", "give the absolute path of the kernel, as every known client does")


@rule("LinuxKernelDirect", fact="hcsshim, CreateLCOW; WSL: both send a full path")
def initial_disk_is_absolute(look: Look, direct: dict[str, Any]) -> None:
    """The path of the initial RAM disk is absolute."""
    path = direct.get("InitRdPath")
    if path and not absolute(look, path):
        look.warning("InitRdPath", "give the absolute path of this file, as every known client does")


# --- memory and processors --------------------------------------------------------------------------------------------


@rule(
    "VirtualMachine_Memory",
    fact="WSL, WslCoreVm.cpp: HCS enforces a granularity of 2 MB; hcsshim, normalizeMemorySize, rounds up to it",
)
def memory_is_even(look: Look, memory: dict[str, Any]) -> None:
    """The size of the memory is an even number of MB."""
    if memory.get("SizeInMB", 0) % 2:
        look.error("SizeInMB", "HCS takes memory in multiples of 2 MB: give an even number")


@rule("VirtualMachine_Memory", fact="Microsoft's limits of Hyper-V: a virtual machine has at most 240 TB of memory")
def memory_is_in_megabytes(look: Look, memory: dict[str, Any]) -> None:
    """The size of the memory is in MB."""
    if memory.get("SizeInMB", 0) > MOST_MEGABYTES:
        look.warning("SizeInMB", "no machine has that much memory: give the size in MB, not in bytes")


@rule("VirtualMachine_Memory", "VirtualMachine_Processor", fact="no machine runs without: hcsshim and WSL send no 0")
def size_is_not_nothing(look: Look, size: dict[str, Any]) -> None:
    """A machine has some memory, and a processor or more."""
    for member, what in (
        ("SizeInMB", "memory: give its size in MB"),
        ("Count", "processors: give the number of them"),
    ):
        if size.get(member) == 0:
            look.warning(member, f"a machine needs {what}")


def _physical(memory: dict[str, Any]) -> bool:
    return memory.get("AllowOvercommit") is False or memory.get("Backing") == "Physical"


@rule(
    "VirtualMachine_Memory",
    fact="hcsshim, verifyOptions: not supported on physically backed machines; WSL refuses it, too",
)
def deferred_commit_is_virtual(look: Look, memory: dict[str, Any]) -> None:
    """EnableDeferredCommit is for memory that is not backed physically."""
    if memory.get("EnableDeferredCommit") and _physical(memory):
        look.error(
            "EnableDeferredCommit",
            "memory that is backed physically is committed at once: leave this out, or set AllowOvercommit to true",
        )


@rule("VirtualMachine_Memory", fact="hcsshim, prepareCommonConfigDoc: not compatible with physical memory")
def hints_are_virtual(look: Look, memory: dict[str, Any]) -> None:
    """EnableHotHint is for memory that is not backed physically."""
    if memory.get("EnableHotHint") and _physical(memory):
        look.warning(
            "EnableHotHint",
            "hcsshim does not use hints with memory that is backed physically: leave this out, or set AllowOvercommit "
            "to true",
        )


@rule("VirtualMachine_Memory", fact="Microsoft's schema reference, VirtualMachine_Memory.ForbidSmallBackingPages")
def small_pages_are_forbidden(look: Look, memory: dict[str, Any]) -> None:
    """With ForbidSmallBackingPages the pages are not said to be small."""
    if memory.get("ForbidSmallBackingPages") and memory.get("BackingPageSize") == "Small":
        look.ignored("BackingPageSize", "ForbidSmallBackingPages makes the pages large")


@rule("ProcessorLimits", fact="hcsshim, annotations.ProcessorLimit and annotations.ProcessorWeight")
def limits_of_processors(look: Look, limits: dict[str, Any]) -> None:
    """Limit is at most 100,000, Weight at most 10,000."""
    if limits.get("Limit", 0) > _LARGEST_LIMIT:
        look.error(
            "Limit", f"a limit from 1 to {_LARGEST_LIMIT} is expected; {_LARGEST_LIMIT} is all of each processor"
        )
    if limits.get("Weight", 0) > _LARGEST_WEIGHT:
        look.error("Weight", f"a weight from 0 to {_LARGEST_WEIGHT} is expected; 100 is usual")


@rule("Numa", fact="hcsshim, vnuma.go: it refuses other nodes itself")
def numa_nodes_are_right(look: Look, numa: dict[str, Any]) -> None:
    """NUMA nodes have numbers of their own, up to 64, nodes of the host below 64 or 255, and memory."""
    seen: set[int] = set()
    for index, node in enumerate(numa.get("Settings", ())):
        virtual = node.get("VirtualNodeNumber", 0)
        if virtual > _LAST_VIRTUAL_NODE:
            look.warning(
                ("Settings", index, "VirtualNodeNumber"), f"the number of a node is at most {_LAST_VIRTUAL_NODE}"
            )
        elif virtual in seen:
            look.warning(
                ("Settings", index, "VirtualNodeNumber"), "another node here has this number: give each its own"
            )
        seen.add(virtual)
        physical = node.get("PhysicalNodeNumber", 0)
        if physical >= _PHYSICAL_NODES and physical != _ANY_PHYSICAL_NODE:
            look.warning(
                ("Settings", index, "PhysicalNodeNumber"),
                f"a number below {_PHYSICAL_NODES} is expected, or {_ANY_PHYSICAL_NODE} for any node of the host",
            )
        if not node.get("CountOfMemoryBlocks"):
            look.warning(("Settings", index, "CountOfMemoryBlocks"), "a node needs memory: give its size in MB")


@rule("Numa", fact="hcsshim, vnuma.go: it refuses other nodes itself")
def numa_nodes_are_all_free_or_none(look: Look, numa: dict[str, Any]) -> None:
    """Either all NUMA nodes may be on any node of the host, or none."""
    free = [node.get("PhysicalNodeNumber", 0) == _ANY_PHYSICAL_NODE for node in numa.get("Settings", ())]
    for index, is_free in enumerate(free):
        if is_free != free[0]:
            look.warning(
                ("Settings", index, "PhysicalNodeNumber"),
                f"give {_ANY_PHYSICAL_NODE}, for any node of the host, to all nodes here or to none",
            )
            return


@rule("Numa", fact="hcsshim, prepareVNumaTopology: it counts the nodes")
def numa_nodes_are_counted(look: Look, numa: dict[str, Any]) -> None:
    """VirtualNodeCount is the number of the nodes in Settings."""
    settings = numa.get("Settings")
    if settings and numa.get("VirtualNodeCount", len(settings)) != len(settings):
        look.warning(
            "VirtualNodeCount", f"the number of nodes in Settings is {len(settings)}: give it, or leave this out"
        )


@rule("Topology", fact="hcsshim, prepareCommonConfigDoc: it gives NUMA nodes physical memory only")
def numa_is_physical(look: Look, topology: dict[str, Any]) -> None:
    """With NUMA nodes the memory is backed physically."""
    if "Numa" in topology and topology.get("Memory", {}).get("AllowOvercommit"):
        look.warning(
            ("Memory", "AllowOvercommit"),
            "hcsshim allows NUMA nodes only with physically backed memory: set this to false",
        )


@rule("Topology", fact="hcsshim, validateNumaForVM: it refuses other numbers itself")
def numa_adds_up(look: Look, topology: dict[str, Any]) -> None:
    """The NUMA nodes have the processors and the memory of the machine together."""
    settings = topology.get("Numa", {}).get("Settings", ())
    processors = sum(node.get("CountOfProcessors", 0) for node in settings)
    memory = sum(node.get("CountOfMemoryBlocks", 0) for node in settings)
    if processors and processors != topology.get("Processor", {}).get("Count", processors):
        look.warning(("Processor", "Count"), f"the NUMA nodes have {processors} processors together: give this number")
    if memory and memory != topology.get("Memory", {}).get("SizeInMB", memory):
        look.warning(("Memory", "SizeInMB"), f"the NUMA nodes have {memory} MB together: give this number")


# --- disks ------------------------------------------------------------------------------------------------------------


@rule("Devices", fact="hcsshim, uvm/types.go and verifyOptions: Hyper-V has 4 controllers")
def few_scsi_controllers(look: Look, devices: dict[str, Any]) -> None:
    """A machine has at most four SCSI controllers."""
    count = len(devices.get("Scsi", ()))
    if count > _MOST_CONTROLLERS:
        look.error(
            "Scsi",
            f"a machine has at most {_MOST_CONTROLLERS} SCSI controllers, and this has {count}: "
            f"put up to {LAST_LUN + 1} disks on each",
        )


@rule("Scsi", fact="hcsshim, uvm/types.go: a SCSI controller of Hyper-V has 64 LUNs")
def scsi_places_are_there(look: Look, controller: dict[str, Any]) -> None:
    """The LUNs of a SCSI controller are 0 to 63."""
    for key in controller.get("Attachments", ()):
        if number(key) > LAST_LUN:
            look.error(("Attachments", key), f"a SCSI controller has the LUNs 0 to {LAST_LUN}: choose one of them")


@rule("Attachment", fact="Microsoft's samples, hcsshim, WSL: each of them gives both")
def attachment_is_complete(look: Look, attachment: dict[str, Any]) -> None:
    """What is attached has a type and, but for an empty drive, a path."""
    if removed(look):
        return
    if "Type" not in attachment:
        look.warning("Type", 'every known client says what is attached: give "VirtualDisk", "Iso" or "PassThru"')
    if not attachment.get("Path") and attachment.get("Type") != "Iso":
        look.warning("Path", "every known client names the file of a disk: add its absolute path")


@rule("Attachment", fact="Microsoft's samples, hcsshim, WSL: each of them gives an absolute path")
def attachment_path_is_absolute(look: Look, attachment: dict[str, Any]) -> None:
    """The path of what is attached is absolute."""
    path = attachment.get("Path")
    if path and not absolute(look, path):
        look.warning("Path", r"the path of a disk is absolute in every known document, as in C:\machines\disk.vhdx")


_NO_DISKS = (".qcow", ".qcow2", ".vmdk", ".vdi", ".img", ".raw", ".ova", ".wim", ".tar")


@rule(
    "Attachment", fact="Microsoft's samples, hcsshim, WSL: virtual disks are VHD and VHDX files, an Iso is an ISO image"
)
def attachment_is_of_its_type(look: Look, attachment: dict[str, Any]) -> None:
    """The file of a virtual disk is no image of another kind, and the other way round."""
    type = attachment.get("Type")
    path = attachment.get("Path", "").lower()
    if type == "VirtualDisk" and path.endswith(".iso"):
        look.warning("Type", 'the name of the file is that of an ISO image: give the Type "Iso"')
    elif type == "VirtualDisk" and path.endswith(_NO_DISKS):
        look.warning("Path", "a virtual disk is a VHDX or VHD file in every known document: convert the file to one")
    elif type == "Iso" and path.endswith((".vhd", ".vhdx", ".avhd", ".avhdx")):
        look.warning("Type", 'the name of the file is that of a virtual disk: give the Type "VirtualDisk"')


@rule("Devices", fact="hcsshim attaches a disk once, and counts who uses it; a disk that is written to is opened alone")
def disks_are_attached_once(look: Look, devices: dict[str, Any]) -> None:
    """No virtual disk is attached at two places, unless it is read only at both."""
    seen: dict[str, bool] = {}
    for name, controller in devices.get("Scsi", {}).items():
        for place, attachment in controller.get("Attachments", {}).items():
            path = attachment.get("Path", "").replace("/", "\\").lower()
            if not path or attachment.get("Type") == "Iso":
                continue
            read_only = attachment.get("ReadOnly", False)
            if not seen.get(path, True) or (path in seen and not read_only):
                look.warning(
                    ("Scsi", name, "Attachments", place, "Path"),
                    "this disk is attached at another place here already: attach it once, or give a copy of the file",
                )
            seen[path] = seen.get(path, True) and read_only


@rule("Attachment", fact="WSL, AttachDisk: it passes disks of the host by the names of their devices")
def passed_disk_is_a_device(look: Look, attachment: dict[str, Any]) -> None:
    """A disk that is passed through is a device of the host."""
    path = attachment.get("Path", "")
    devices = ("\\\\.\\", "\\\\?\\", "/") if look.host == "emulator" else ("\\\\.\\", "\\\\?\\")
    if path and attachment.get("Type") == "PassThru" and not path.startswith(devices):
        look.warning("Path", r"for PassThru a device of the host is expected, as in \\.\PhysicalDrive1")


@rule("VirtualPMemController", fact="hcsshim, MaxVPMEMCount: it refuses more itself")
def few_pmem_devices(look: Look, controller: dict[str, Any]) -> None:
    """A machine has at most 128 virtual PMem devices, with the numbers 0 to 127."""
    if controller.get("MaximumCount", 0) > _MOST_PMEM:
        look.warning(
            "MaximumCount", f"a machine has at most {_MOST_PMEM} virtual PMem devices: give at most {_MOST_PMEM}"
        )
    for key in controller.get("Devices", ()):
        if number(key) >= _MOST_PMEM:
            look.warning(
                ("Devices", key),
                f"a machine has the virtual PMem devices 0 to {_MOST_PMEM - 1}: choose one of them",
            )


@rule("VirtualPMemController", fact="hcsshim, verifyOptions: it refuses other sizes itself")
def pmem_has_whole_pages(look: Look, controller: dict[str, Any]) -> None:
    """The size of persistent memory is a multiple of 4096."""
    if controller.get("MaximumSizeBytes", 0) % _PAGE:
        look.warning("MaximumSizeBytes", f"a multiple of {_PAGE} is expected, which is the size of a page")


# --- shares -----------------------------------------------------------------------------------------------------------


@rule("VirtualSmbShare", "Plan9Share", fact="hcsshim, WSL and the samples: a share is named, and removed by its name")
def share_is_complete(look: Look, share: dict[str, Any]) -> None:
    """A share has a name and a path."""
    if removed(look):
        return
    if not share.get("Name"):
        look.warning("Name", "a share is found by its name: add one that no other share here has")
    if not share.get("Path"):
        look.warning("Path", "a share is a folder of the host: add its absolute path")


@rule("VirtualSmbShare", fact=r"hcsshim, vsmbSharePrefix: the guest has the share as \\?\VMSMB\VSMB-{...}\NAME")
def share_name_is_one_part_of_a_path(look: Look, share: dict[str, Any]) -> None:
    """The name of a share can be a part of a path of Windows."""
    if any(letter in share.get("Name", "") for letter in '\\/:*?"<>|'):
        look.warning(
            "Name", r"the name is one part of the share's path in the guest: use none of \ / : * ? " + '" < > |'
        )


@rule("VirtualSmb", "Plan9", fact="shares are updated and removed by their names: HcsModifyComputeSystem, hcsshim")
def share_names_are_different(look: Look, shares: dict[str, Any]) -> None:
    """No two shares have the same name."""
    seen: set[str] = set()
    for index, share in enumerate(shares.get("Shares", ())):
        name = share.get("Name", "").lower()
        if name in seen:
            look.warning(("Shares", index, "Name"), "another share here has this name: give each its own")
        elif name:
            seen.add(name)


@rule("VirtualSmbShare", "Plan9Share", fact="hcsshim, AddVSMB and AddPlan9: both send an absolute path")
def share_path_is_absolute(look: Look, share: dict[str, Any]) -> None:
    """The path of a share is absolute."""
    path = share.get("Path")
    if path and not absolute(look, path):
        look.warning("Path", r"the path of a share is absolute in every known document, as in C:\data")


@rule("VirtualSmbShare", fact="Microsoft's schema reference, VirtualSmbShareOptions.RestrictFileAccess")
def allowed_files_are_restricted(look: Look, share: dict[str, Any]) -> None:
    """AllowedFiles and Options.RestrictFileAccess are given together."""
    restricted = share.get("Options", {}).get("RestrictFileAccess", False)
    if share.get("AllowedFiles") and not restricted:
        look.ignored("AllowedFiles", "only Options.RestrictFileAccess makes HCS read it")
    elif restricted and "AllowedFiles" not in share:
        look.warning(
            "AllowedFiles", "with Options.RestrictFileAccess the guest has only the files listed here: list them"
        )


@rule("VirtualSmbShareOptions", fact="Microsoft's schema reference, VirtualSmbShareOptions: each is said of all opens")
def share_options_agree(look: Look, options: dict[str, Any]) -> None:
    """No two options of a share say the opposite of each other."""
    for one, other in (
        ("CacheIo", "NonCacheIo"),
        ("PseudoOplocks", "NoOplocks"),
        ("ForceLevelIIOplocks", "NoOplocks"),
        ("PseudoDirnotify", "NoDirnotify"),
    ):
        if options.get(one) and options.get(other):
            look.warning(other, f"this is the opposite of {one}: leave one of the two out")


@rule("Plan9Share", fact="hcsshim, AddPlan9, and WSL, hcs_schema.h: Plan9ShareFlags")
def plan9_flags_are_known(look: Look, share: dict[str, Any]) -> None:
    """Each flag of a Plan 9 share is known."""
    if share.get("Flags", 0) & ~sum(_FLAGS_OF_PLAN9):
        known = ", ".join(f"{flag} ({what})" for flag, what in _FLAGS_OF_PLAN9.items())
        look.warning("Flags", f"no source knows some of these flags; known are {known}")


@rule("Plan9Share", fact="Metis sends it, and HCS takes it; hcsshim, AddPlan9, and WSL say it by the flag 1")
def plan9_read_only_is_a_flag(look: Look, share: dict[str, Any]) -> None:
    """Whether a Plan 9 share is read-only stands in its flags."""
    if share.get("ReadOnly") and not share.get("Flags", 0) & _READ_ONLY:
        look.warning("ReadOnly", f"hcsshim and WSL say this by the flag {_READ_ONLY}: add it to Flags")


@rule("Plan9Share", fact="hcsshim, AddPlan9: it sends the flag 0x80 with a list of files")
def plan9_allowed_files_are_restricted(look: Look, share: dict[str, Any]) -> None:
    """AllowedFiles and the flag 128 are given together."""
    restricted = share.get("Flags", 0) & _RESTRICTED
    if share.get("AllowedFiles") and not restricted:
        look.warning("AllowedFiles", f"hcsshim sends the flag {_RESTRICTED} with this list: add it to Flags")
    elif restricted and "AllowedFiles" not in share:
        look.warning("AllowedFiles", f"with the flag {_RESTRICTED} the guest has only the files listed here: list them")


# --- other devices ----------------------------------------------------------------------------------------------------


@rule("Devices", fact="Microsoft's reference of HcsModifyComputeSystem: the number of a port is not larger than 1; WSL")
def few_com_ports(look: Look, devices: dict[str, Any]) -> None:
    """A machine has the serial ports 0 and 1."""
    for key in devices.get("ComPorts", ()):
        if number(key) > LAST_COM_PORT:
            look.error(
                ("ComPorts", key), "a machine has only the serial ports 0 (COM1) and 1 (COM2): choose one of them"
            )


@rule(
    "ComPort",
    "VirtioSerialPort",
    "RdpConnectionOptions",
    fact="Microsoft's schema reference, ComPort; hcsshim, ConsolePipe; WSL",
)
def port_is_a_pipe(look: Look, port: dict[str, Any]) -> None:
    """NamedPipe is the path of a pipe, or empty."""
    path = port.get("NamedPipe")
    if path and not pipe(path) and not (look.host == "emulator" and path.startswith("/")):
        look.warning(
            "NamedPipe", r"the path of a named pipe is expected, as in \\.\pipe\name; an empty one connects nothing"
        )


@rule("RdpConnectionOptions", fact="Microsoft's schema reference, RdpConnectionOptions.AccessSids")
def accounts_are_sids(look: Look, options: dict[str, Any]) -> None:
    """Accounts are named by their SIDs."""
    for index, sid in enumerate(options.get("AccessSids", ())):
        if not sid.upper().startswith("S-1-"):
            look.warning(("AccessSids", index), "the SID of an account is expected, as in S-1-5-32-544")


@rule("NetworkAdapter", fact="hcsshim, addNIC; WSL: an adapter is connected to an endpoint, or to a port of a switch")
def adapter_is_connected(look: Look, adapter: dict[str, Any]) -> None:
    """A network adapter is connected to an endpoint or to a switch."""
    if not adapter.get("EndpointId") and not adapter.get("SwitchId") and not removed(look):
        look.warning("EndpointId", "nothing connects this adapter: give the id of an endpoint of HCN")


@rule("NetworkAdapter", fact="hcsshim, addNIC: it sends the id of an endpoint as HCN writes it")
def endpoint_is_as_hcn_writes_it(look: Look, adapter: dict[str, Any]) -> None:
    """The id of an endpoint is in lower case and without braces."""
    if not as_hcn_writes_it(adapter.get("EndpointId", "")):
        look.warning("EndpointId", "HCN writes ids in lower case and without braces: write it so")


@rule("NetworkAdapter", fact="hcsshim, addNIC: it sends the address of an endpoint as HCN writes it, with dashes")
def address_of_an_adapter_is_written_with_dashes(look: Look, adapter: dict[str, Any]) -> None:
    """A MAC address is written with dashes."""
    text = adapter.get("MacAddress", "")
    if "-" not in text and mac(text) is not None:
        look.warning("MacAddress", "HCN writes MAC addresses with dashes, as in 00-15-5D-52-C0-00: write it so")


@rule(
    "Devices",
    fact="hcsctl: HCN_E_ENDPOINT_ALREADY_ATTACHED for a second system (measured); "
    "two adapters of one machine: our reading",
)
def endpoints_are_different(look: Look, devices: dict[str, Any]) -> None:
    """No two network adapters are connected to one endpoint."""
    adapters = devices.get("NetworkAdapters", {})
    if len(adapters) < 2:
        return
    seen: set[str] = set()
    for key, adapter in adapters.items():
        endpoint = guid_key(adapter.get("EndpointId", ""))
        if endpoint in seen:
            look.warning(
                ("NetworkAdapters", key, "EndpointId"),
                "another adapter here is connected to this endpoint: create an endpoint for each",
            )
        elif endpoint:
            seen.add(endpoint)


@rule("GpuConfiguration", fact="Microsoft's schema reference, GpuConfiguration.AssignmentRequest and GpuAssignmentMode")
def gpus_are_listed(look: Look, gpu: dict[str, Any]) -> None:
    """AssignmentRequest and the mode "List" are given together."""
    mode = gpu.get("AssignmentMode")
    if gpu.get("AssignmentRequest") and mode != "List":
        look.ignored("AssignmentRequest", 'HCS reads it only if AssignmentMode is "List"')
    elif mode == "List" and not gpu.get("AssignmentRequest"):
        look.warning("AssignmentRequest", "without GPUs here the guest gets none: list them, or choose another mode")


# --- state ------------------------------------------------------------------------------------------------------------


@rule("GuestState", fact="Microsoft's schema reference, GuestState")
def state_files_are_templates_of_something(look: Look, state: dict[str, Any]) -> None:
    """ForceTransientState is for a machine that has state files."""
    files = ("GuestStateFilePath", "RuntimeStateFilePath")
    if state.get("ForceTransientState") and not any(state.get(name) for name in files):
        look.ignored(
            "ForceTransientState",
            "neither GuestStateFilePath nor RuntimeStateFilePath is given, so the state is transient anyway",
        )


@rule("RestoreState", fact="Microsoft's schema reference, RestoreState: a file, or a template")
def restore_has_one_source(look: Look, state: dict[str, Any]) -> None:
    """A machine is restored from a file or cloned from a template."""
    given = [name for name in ("SaveStateFilePath", "TemplateSystemId") if state.get(name)]
    if len(given) == 2:
        look.warning((), "a machine is restored from a file or cloned from a template: give one of the two")
    elif not given:
        look.warning((), "there is nothing here to restore from: give SaveStateFilePath, or leave RestoreState out")


_FILES = {
    "GuestState": ("GuestStateFilePath", "RuntimeStateFilePath"),
    "RestoreState": ("SaveStateFilePath",),
    "DebugOptions": (
        "BugcheckSavedStateFileName",
        "BugcheckNoCrashdumpSavedStateFileName",
        "TripleFaultSavedStateFileName",
        "FirmwareDumpFileName",
        "ShutdownOrResetSavedStateFileName",
    ),
    "WindowsCrashReporting": ("DumpFileName",),
    "SaveOptions": ("SaveStateFilePath",),
}
_ALL_FILES = tuple(dict.fromkeys(name for names in _FILES.values() for name in names))


@rule(*_FILES, fact="hcsshim, WSL and Microsoft's samples: each of them gives absolute paths")
def files_of_a_machine_are_absolute(look: Look, files: dict[str, Any]) -> None:
    """The paths of a machine's files are absolute."""
    for member in _ALL_FILES:
        path = files.get(member)
        if path and not absolute(look, path):
            look.warning(
                member,
                "give the absolute path of this file, as every known client does: HCS does not know your current "
                "folder",
            )


@rule("IsolationSettings", fact="hcsshim, prepareSecurityConfigDoc: HCS decodes it from Base64")
def launch_data_is_base64(look: Look, isolation: dict[str, Any]) -> None:
    """LaunchData is Base64 text."""
    import binascii

    try:
        binascii.a2b_base64(isolation.get("LaunchData", ""), strict_mode=True)
    except ValueError:
        look.error("LaunchData", "text in Base64 is expected: encode the data")


@rule("SaveOptions", fact="Microsoft's schema reference, SaveOptions.SaveStateFilePath")
def save_needs_a_file(look: Look, options: dict[str, Any]) -> None:
    """A state is saved to a file that is named."""
    if options.get("SaveType", "ToFile") == "ToFile" and not options.get("SaveStateFilePath"):
        look.error("SaveStateFilePath", "a file to save to is needed: give its absolute path")
