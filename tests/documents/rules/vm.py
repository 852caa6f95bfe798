"""Cases of the rules of virtual machines."""

from __future__ import annotations

from typing import Any

from .base import DEVICES, DISK, GUID, MACHINE, OTHER, SHARE, Case, case, changed, error, ignored, machine, warning

SCSI = {"Scsi": {"disks": {"Attachments": {"0": DISK}}}}


def boots(entry: dict[str, Any], **devices: Any) -> dict[str, Any]:
    return machine(Chipset={"Uefi": {"BootThis": entry}}, Devices=devices)


def node(virtual: int, physical: int = 0, memory: int = 512, **members: int) -> dict[str, int]:
    return {"VirtualNodeNumber": virtual, "PhysicalNodeNumber": physical, "CountOfMemoryBlocks": memory} | members


def attached(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    return {"Scsi": {"a": {"Attachments": {"0": first}}, "b": {"Attachments": {"1": second}}}}


TWICE = "this disk is attached at another place here already: attach it once, or give a copy of the file"

OWN_FOLDER = "give the absolute path of this file, as every known client does: HCS does not know your current folder"

CASES: list[Case] = [
    case(
        "machine_is_complete",
        "VirtualMachine",
        {"StopOnReset": True},
        MACHINE,
        warning("$.Chipset", "every known client says here what the machine starts by: add it"),
        warning("$.ComputeTopology", "every known client gives the memory and the processors here: add them"),
    ),
    case(
        "machine_is_complete",
        "VirtualMachine",
        {"Chipset": {"Uefi": {}}},
        {"RestoreState": {"SaveStateFilePath": "C:\\s.vmrs"}},
        warning("$.ComputeTopology", "every known client gives the memory and the processors here: add them"),
    ),
    case(
        "memory_is_in_megabytes",
        "VirtualMachine_Memory",
        {"SizeInMB": 2 << 30},
        {"SizeInMB": 240 << 20},
        warning("$.SizeInMB", "no machine has that much memory: give the size in MB, not in bytes"),
    ),
    case(
        "size_is_not_nothing",
        "VirtualMachine_Memory",
        {"SizeInMB": 0},
        {"SizeInMB": 2},
        warning("$.SizeInMB", "a machine needs memory: give its size in MB"),
    ),
    case(
        "size_is_not_nothing",
        "VirtualMachine_Processor",
        {"Count": 0},
        {"Count": 1},
        warning("$.Count", "a machine needs processors: give the number of them"),
    ),
    case(
        "attachment_is_of_its_type",
        "Attachment",
        {"Type": "VirtualDisk", "Path": "C:\\setup.ISO"},
        {"Type": "Iso", "Path": "C:\\setup.ISO"},
        warning("$.Type", 'the name of the file is that of an ISO image: give the Type "Iso"'),
    ),
    case(
        "attachment_is_of_its_type",
        "Attachment",
        {"Type": "VirtualDisk", "Path": "C:\\noble.qcow2"},
        {"Type": "VirtualDisk", "Path": "C:\\noble"},
        warning("$.Path", "a virtual disk is a VHDX or VHD file in every known document: convert the file to one"),
    ),
    case(
        "attachment_is_of_its_type",
        "Attachment",
        {"Type": "Iso", "Path": "C:\\d.vhdx"},
        {"Type": "VirtualDisk", "Path": "C:\\d.avhdx"},
        warning("$.Type", 'the name of the file is that of a virtual disk: give the Type "VirtualDisk"'),
    ),
    case(
        "disks_are_attached_once",
        "Devices",
        attached(DISK, DISK | {"Path": "c:/D.vhdx", "ReadOnly": True}),
        attached(DISK | {"ReadOnly": True}, DISK | {"ReadOnly": True}),
        warning("$.Scsi.b.Attachments['1'].Path", TWICE),
    ),
    case(
        "disks_are_attached_once",
        "Devices",
        attached(DISK | {"ReadOnly": True}, DISK),
        attached({"Type": "Iso", "Path": "C:\\i.iso"}, {"Type": "Iso", "Path": "C:\\i.iso"}),
        warning("$.Scsi.b.Attachments['1'].Path", TWICE),
    ),
    case(
        "endpoint_is_as_hcn_writes_it",
        "NetworkAdapter",
        {"EndpointId": "{" + GUID + "}"},
        {"EndpointId": GUID},
        warning("$.EndpointId", "HCN writes ids in lower case and without braces: write it so"),
    ),
    case(
        "address_of_an_adapter_is_written_with_dashes",
        "NetworkAdapter",
        {"EndpointId": GUID, "MacAddress": "00155D52C000"},
        {"EndpointId": GUID, "MacAddress": "00-15-5d-52-c0-00"},
        warning("$.MacAddress", "HCN writes MAC addresses with dashes, as in 00-15-5D-52-C0-00: write it so"),
    ),
    case(
        "one_firmware",
        "Chipset",
        {"UseUtc": True},
        {"Uefi": {}},
        warning("$", "every known client boots a machine by Uefi or by LinuxKernelDirect: add one of them"),
    ),
    case(
        "one_firmware",
        "Chipset",
        {"Uefi": {}, "LinuxKernelDirect": {"KernelFilePath": "C:\\k"}},
        {"LinuxKernelDirect": {"KernelFilePath": "C:\\k"}},
        warning("$", "every known client boots a machine by Uefi or by LinuxKernelDirect, not both: leave one out"),
    ),
    case(
        "boot_disk_is_there",
        "ComputeSystem",
        boots({"DeviceType": "ScsiDrive", "DevicePath": "disk"}, **SCSI),
        boots({"DeviceType": "ScsiDrive", "DevicePath": "disks", "DiskNumber": 0}, **SCSI),
        warning(
            "$.VirtualMachine.Chipset.Uefi.BootThis.DevicePath",
            "no SCSI controller in Devices has this name: give the name of the disk's controller",
        ),
    ),
    case(
        "boot_disk_is_there",
        "ComputeSystem",
        boots({"DeviceType": "ScsiDrive", "DevicePath": "disks", "DiskNumber": 1}, **SCSI),
        boots({"DeviceType": "Network"}),
        warning(
            "$.VirtualMachine.Chipset.Uefi.BootThis.DiskNumber",
            "the SCSI controller has nothing at LUN 1: give the LUN of the boot disk",
        ),
    ),
    case(
        "boot_folder_is_there",
        "ComputeSystem",
        boots({"DeviceType": "VmbFs", "DevicePath": "kernel"}),
        boots({"DeviceType": "VmbFs", "DevicePath": "\\kernel", "VmbFsRootPath": "C:\\boot"}),
        warning(
            "$.VirtualMachine.Chipset.Uefi.BootThis.DevicePath",
            "a path below the boot folder is expected, as in \\EFI\\Microsoft\\Boot\\bootmgfw.efi",
        ),
        warning(
            "$.VirtualMachine.Chipset.Uefi.BootThis.VmbFsRootPath",
            (
                'a machine boots from the folder that this names, or from the share "os" in Devices.VirtualSmb: '
                "add one of the two"
            ),
        ),
    ),
    case(
        "boot_folder_is_there",
        "UefiBootEntry",
        {"DeviceType": "VmbFs", "DevicePath": "kernel"},
        {"DeviceType": "VmbFs", "DevicePath": "\\kernel"},
        warning("$.DevicePath", "a path below the boot folder is expected, as in \\EFI\\Microsoft\\Boot\\bootmgfw.efi"),
    ),
    case(
        "boot_folder_is_there",
        "ComputeSystem",
        boots(
            {"DeviceType": "VmbFs", "DevicePath": "\\boot"},
            VirtualSmb={"Shares": [{"Name": "data", "Path": "C:\\data"}]},
        ),
        boots(
            {"DeviceType": "VmbFs", "DevicePath": "\\boot"}, VirtualSmb={"Shares": [{"Name": "os", "Path": "C:\\os"}]}
        ),
        warning(
            "$.VirtualMachine.Chipset.Uefi.BootThis.VmbFsRootPath",
            (
                'a machine boots from the folder that this names, or from the share "os" in Devices.VirtualSmb: '
                "add one of the two"
            ),
        ),
    ),
    case(
        "kernel_is_named",
        "LinuxKernelDirect",
        {},
        {"KernelFilePath": "C:\\kernel"},
        warning("$.KernelFilePath", "every known client names the file of the kernel: add it"),
    ),
    case(
        "kernel_is_named",
        "LinuxKernelDirect",
        {"KernelFilePath": "kernel"},
        {"KernelFilePath": "C:\\kernel"},
        warning("$.KernelFilePath", "give the absolute path of the kernel, as every known client does"),
    ),
    case(
        "initial_disk_is_absolute",
        "LinuxKernelDirect",
        {"KernelFilePath": "C:\\k", "InitRdPath": "initrd"},
        {"KernelFilePath": "C:\\k", "InitRdPath": "C:\\initrd"},
        warning("$.InitRdPath", "give the absolute path of this file, as every known client does"),
    ),
    case(
        "memory_is_even",
        "VirtualMachine_Memory",
        {"SizeInMB": 1025},
        {"SizeInMB": 1024},
        error("$.SizeInMB", "HCS takes memory in multiples of 2 MB: give an even number"),
    ),
    case(
        "deferred_commit_is_virtual",
        "VirtualMachine_Memory",
        {"AllowOvercommit": False, "EnableDeferredCommit": True},
        {"EnableDeferredCommit": True},
        error(
            "$.EnableDeferredCommit",
            ("memory that is backed physically is committed at once: leave this out, or set AllowOvercommit to true"),
        ),
    ),
    case(
        "hints_are_virtual",
        "VirtualMachine_Memory",
        {"Backing": "Physical", "EnableHotHint": True},
        {"AllowOvercommit": True, "EnableHotHint": True},
        warning(
            "$.EnableHotHint",
            (
                "hcsshim does not use hints with memory that is backed physically: leave this out, or set "
                "AllowOvercommit to true"
            ),
        ),
    ),
    case(
        "small_pages_are_forbidden",
        "VirtualMachine_Memory",
        {"BackingPageSize": "Small", "ForbidSmallBackingPages": True},
        {"BackingPageSize": "Small"},
        ignored("$.BackingPageSize", "ForbidSmallBackingPages makes the pages large"),
    ),
    case(
        "limits_of_processors",
        "ProcessorLimits",
        {"Limit": 100_001, "Weight": 10_001},
        {"Limit": 100_000, "Weight": 10_000},
        error("$.Limit", "a limit from 1 to 100000 is expected; 100000 is all of each processor"),
        error("$.Weight", "a weight from 0 to 10000 is expected; 100 is usual"),
    ),
    case(
        "numa_nodes_are_right",
        "Numa",
        {"Settings": [node(0), node(0, 64), node(65, 1, 0)]},
        {"Settings": [node(0), node(1, 63)]},
        warning("$.Settings[1].VirtualNodeNumber", "another node here has this number: give each its own"),
        warning("$.Settings[1].PhysicalNodeNumber", "a number below 64 is expected, or 255 for any node of the host"),
        warning("$.Settings[2].VirtualNodeNumber", "the number of a node is at most 64"),
        warning("$.Settings[2].CountOfMemoryBlocks", "a node needs memory: give its size in MB"),
    ),
    case(
        "numa_nodes_are_all_free_or_none",
        "Numa",
        {"Settings": [node(0, 255), node(1, 1)]},
        {"Settings": [node(0, 255), node(1, 255)]},
        warning("$.Settings[1].PhysicalNodeNumber", "give 255, for any node of the host, to all nodes here or to none"),
    ),
    case(
        "numa_nodes_are_counted",
        "Numa",
        {"VirtualNodeCount": 2, "Settings": [node(0)]},
        {"VirtualNodeCount": 1, "Settings": [node(0)]},
        warning("$.VirtualNodeCount", "the number of nodes in Settings is 1: give it, or leave this out"),
    ),
    case(
        "numa_is_physical",
        "Topology",
        {"Memory": {"AllowOvercommit": True}, "Numa": {}},
        {"Memory": {"AllowOvercommit": False}, "Numa": {}},
        warning(
            "$.Memory.AllowOvercommit",
            "hcsshim allows NUMA nodes only with physically backed memory: set this to false",
        ),
    ),
    case(
        "numa_adds_up",
        "Topology",
        {"Memory": {"SizeInMB": 1024}, "Processor": {"Count": 4}, "Numa": {"Settings": [node(0, CountOfProcessors=2)]}},
        {
            "Memory": {"SizeInMB": 1024},
            "Processor": {"Count": 4},
            "Numa": {"Settings": [node(0, CountOfProcessors=2), node(1, CountOfProcessors=2)]},
        },
        warning("$.Processor.Count", "the NUMA nodes have 2 processors together: give this number"),
        warning("$.Memory.SizeInMB", "the NUMA nodes have 512 MB together: give this number"),
    ),
    case(
        "few_scsi_controllers",
        "Devices",
        {"Scsi": {str(i): {} for i in range(5)}},
        {"Scsi": {str(i): {} for i in range(4)}},
        error("$.Scsi", "a machine has at most 4 SCSI controllers, and this has 5: put up to 64 disks on each"),
    ),
    case(
        "scsi_places_are_there",
        "Scsi",
        {"Attachments": {"64": DISK}},
        {"Attachments": {"63": DISK}},
        error("$.Attachments['64']", "a SCSI controller has the LUNs 0 to 63: choose one of them"),
    ),
    case(
        "attachment_is_complete",
        "Attachment",
        {},
        {"Type": "Iso"},
        warning("$.Type", 'every known client says what is attached: give "VirtualDisk", "Iso" or "PassThru"'),
        warning("$.Path", "every known client names the file of a disk: add its absolute path"),
    ),
    case(
        "attachment_is_complete",
        "ModifySettingRequest",
        changed(DEVICES + "Scsi/disks/Attachments/0", {"Type": "VirtualDisk"}),
        changed(DEVICES + "Scsi/disks/Attachments/0", DISK),
        warning("$.Settings.Path", "every known client names the file of a disk: add its absolute path"),
    ),
    case(
        "attachment_path_is_absolute",
        "Attachment",
        {"Type": "Iso", "Path": "d.iso"},
        {"Type": "Iso", "Path": "C:\\d.iso"},
        warning("$.Path", "the path of a disk is absolute in every known document, as in C:\\machines\\disk.vhdx"),
    ),
    case(
        "passed_disk_is_a_device",
        "Attachment",
        {"Type": "PassThru", "Path": "C:\\d.vhdx"},
        {"Type": "PassThru", "Path": "\\\\.\\PhysicalDrive1"},
        warning("$.Path", "for PassThru a device of the host is expected, as in \\\\.\\PhysicalDrive1"),
    ),
    case(
        "passed_disk_is_a_device",
        "Attachment",
        {"Type": "PassThru", "Path": "C:\\d.vhdx"},
        {"Type": "PassThru", "Path": "/dev/sda"},
        warning("$.Path", "for PassThru a device of the host is expected, as in \\\\.\\PhysicalDrive1"),
        host="emulator",
    ),
    case(
        "few_pmem_devices",
        "VirtualPMemController",
        {"MaximumCount": 129, "Devices": {"128": {}}},
        {"MaximumCount": 128, "Devices": {"127": {}}},
        warning("$.MaximumCount", "a machine has at most 128 virtual PMem devices: give at most 128"),
        warning("$.Devices['128']", "a machine has the virtual PMem devices 0 to 127: choose one of them"),
    ),
    case(
        "pmem_has_whole_pages",
        "VirtualPMemController",
        {"MaximumSizeBytes": 4097},
        {"MaximumSizeBytes": 8192},
        warning("$.MaximumSizeBytes", "a multiple of 4096 is expected, which is the size of a page"),
    ),
    case(
        "share_is_complete",
        "VirtualSmbShare",
        {},
        SHARE,
        warning("$.Name", "a share is found by its name: add one that no other share here has"),
        warning("$.Path", "a share is a folder of the host: add its absolute path"),
    ),
    case(
        "share_is_complete",
        "ModifySettingRequest",
        changed(DEVICES + "Plan9/Shares", {"Name": "s"}),
        changed(DEVICES + "Plan9/Shares", {"Name": "s"}, "Remove"),
        warning("$.Settings.Path", "a share is a folder of the host: add its absolute path"),
    ),
    case(
        "share_name_is_one_part_of_a_path",
        "VirtualSmbShare",
        SHARE | {"Name": "a\\b"},
        SHARE,
        warning("$.Name", "the name is one part of the share's path in the guest: use none of \\ / : * ? \" < > |"),
    ),
    case(
        "share_names_are_different",
        "Plan9",
        {"Shares": [SHARE, SHARE | {"Name": "S"}]},
        {"Shares": [SHARE, SHARE | {"Name": "t"}]},
        warning("$.Shares[1].Name", "another share here has this name: give each its own"),
    ),
    case(
        "share_path_is_absolute",
        "Plan9Share",
        SHARE | {"Path": "s"},
        SHARE,
        warning("$.Path", "the path of a share is absolute in every known document, as in C:\\data"),
    ),
    case(
        "allowed_files_are_restricted",
        "VirtualSmbShare",
        SHARE | {"AllowedFiles": ["a"]},
        SHARE | {"AllowedFiles": ["a"], "Options": {"RestrictFileAccess": True}},
        ignored("$.AllowedFiles", "only Options.RestrictFileAccess makes HCS read it"),
    ),
    case(
        "allowed_files_are_restricted",
        "VirtualSmbShare",
        SHARE | {"Options": {"RestrictFileAccess": True}},
        SHARE,
        warning(
            "$.AllowedFiles", "with Options.RestrictFileAccess the guest has only the files listed here: list them"
        ),
    ),
    case(
        "share_options_agree",
        "VirtualSmbShareOptions",
        {"CacheIo": True, "NonCacheIo": True},
        {"CacheIo": True, "NonCacheIo": False},
        warning("$.NonCacheIo", "this is the opposite of CacheIo: leave one of the two out"),
    ),
    case(
        "plan9_flags_are_known",
        "Plan9Share",
        SHARE | {"Flags": 2},
        SHARE | {"Flags": 0x7D},
        warning(
            "$.Flags",
            "no source knows some of these flags; known are 1 (read only), 4 (metadata of Linux), "
            "8 (case sensitive), 16 (identity of the root), 32 (options allowed), 64 (subpaths allowed), "
            "128 (AllowedFiles)",
        ),
    ),
    case(
        "plan9_read_only_is_a_flag",
        "Plan9Share",
        SHARE | {"ReadOnly": True, "Flags": 4},
        SHARE | {"ReadOnly": True, "Flags": 5},
        warning("$.ReadOnly", "hcsshim and WSL say this by the flag 1: add it to Flags"),
    ),
    case(
        "plan9_allowed_files_are_restricted",
        "Plan9Share",
        SHARE | {"AllowedFiles": ["a"], "Flags": 1},
        SHARE | {"AllowedFiles": ["a"], "Flags": 0x81},
        warning("$.AllowedFiles", "hcsshim sends the flag 128 with this list: add it to Flags"),
    ),
    case(
        "plan9_allowed_files_are_restricted",
        "Plan9Share",
        SHARE | {"Flags": 0x80},
        SHARE,
        warning("$.AllowedFiles", "with the flag 128 the guest has only the files listed here: list them"),
    ),
    case(
        "few_com_ports",
        "Devices",
        {"ComPorts": {"2": {}}},
        {"ComPorts": {"1": {}}},
        error("$.ComPorts['2']", "a machine has only the serial ports 0 (COM1) and 1 (COM2): choose one of them"),
    ),
    case(
        "port_is_a_pipe",
        "ComPort",
        {"NamedPipe": "console"},
        {"NamedPipe": "\\\\.\\pipe\\console"},
        warning(
            "$.NamedPipe",
            "the path of a named pipe is expected, as in \\\\.\\pipe\\name; an empty one connects nothing",
        ),
    ),
    case(
        "port_is_a_pipe",
        "VirtioSerialPort",
        {"NamedPipe": "console"},
        {"NamedPipe": ""},
        warning(
            "$.NamedPipe",
            "the path of a named pipe is expected, as in \\\\.\\pipe\\name; an empty one connects nothing",
        ),
    ),
    case(
        "accounts_are_sids",
        "RdpConnectionOptions",
        {"AccessSids": ["S-1-5-18", "me"]},
        {"AccessSids": ["S-1-5-18"]},
        warning("$.AccessSids[1]", "the SID of an account is expected, as in S-1-5-32-544"),
    ),
    case(
        "adapter_is_connected",
        "NetworkAdapter",
        {"MacAddress": "00-15-5D-00-00-01"},
        {"EndpointId": GUID},
        warning("$.EndpointId", "nothing connects this adapter: give the id of an endpoint of HCN"),
    ),
    case(
        "endpoints_are_different",
        "Devices",
        {"NetworkAdapters": {"a": {"EndpointId": GUID}, "b": {"EndpointId": GUID}}},
        {"NetworkAdapters": {"a": {"EndpointId": GUID}, "b": {"EndpointId": OTHER}}},
        warning(
            "$.NetworkAdapters.b.EndpointId",
            "another adapter here is connected to this endpoint: create an endpoint for each",
        ),
    ),
    case(
        "gpus_are_listed",
        "GpuConfiguration",
        {"AssignmentMode": "Mirror", "AssignmentRequest": {"a": 1}},
        {"AssignmentMode": "List", "AssignmentRequest": {"a": 1}},
        ignored("$.AssignmentRequest", 'HCS reads it only if AssignmentMode is "List"'),
    ),
    case(
        "gpus_are_listed",
        "GpuConfiguration",
        {"AssignmentMode": "List"},
        {"AssignmentMode": "Default"},
        warning("$.AssignmentRequest", "without GPUs here the guest gets none: list them, or choose another mode"),
    ),
    case(
        "state_files_are_templates_of_something",
        "GuestState",
        {"GuestStateFilePath": "", "ForceTransientState": True},
        {"GuestStateFilePath": "C:\\m.vmgs", "ForceTransientState": True},
        ignored(
            "$.ForceTransientState",
            "neither GuestStateFilePath nor RuntimeStateFilePath is given, so the state is transient anyway",
        ),
    ),
    case(
        "restore_has_one_source",
        "RestoreState",
        {"TemplateSystemId": ""},
        {"TemplateSystemId": "template"},
        warning("$", "there is nothing here to restore from: give SaveStateFilePath, or leave RestoreState out"),
    ),
    case(
        "restore_has_one_source",
        "RestoreState",
        {"SaveStateFilePath": "C:\\s.vmrs", "TemplateSystemId": "t"},
        {"SaveStateFilePath": "C:\\s.vmrs", "TemplateSystemId": ""},
        warning("$", "a machine is restored from a file or cloned from a template: give one of the two"),
    ),
    case(
        "files_of_a_machine_are_absolute",
        "DebugOptions",
        {"BugcheckSavedStateFileName": "a.vmrs"},
        {"BugcheckSavedStateFileName": "C:\\a.vmrs"},
        warning(
            "$.BugcheckSavedStateFileName",
            OWN_FOLDER,
        ),
    ),
    case(
        "files_of_a_machine_are_absolute",
        "SaveOptions",
        {"SaveStateFilePath": "/a.vmrs"},
        {"SaveStateFilePath": "C:\\a.vmrs"},
        warning(
            "$.SaveStateFilePath",
            OWN_FOLDER,
        ),
    ),
    case(
        "files_of_a_machine_are_absolute",
        "SaveOptions",
        {"SaveStateFilePath": "a.vmrs"},
        {"SaveStateFilePath": "/a.vmrs"},
        warning(
            "$.SaveStateFilePath",
            OWN_FOLDER,
        ),
        host="emulator",
    ),
    case(
        "launch_data_is_base64",
        "IsolationSettings",
        {"LaunchData": "none!"},
        {"LaunchData": "AAEC"},
        error("$.LaunchData", "text in Base64 is expected: encode the data"),
    ),
    case(
        "save_needs_a_file",
        "SaveOptions",
        {"SaveType": "ToFile"},
        {"SaveType": "AsTemplate"},
        error("$.SaveStateFilePath", "a file to save to is needed: give its absolute path"),
    ),
]
