"""Cases of the rules of HCN."""

from __future__ import annotations

from typing import Any

from .base import GUID, Case, Found, case, error, ignored, structure, warning

ROUTE = {"NextHop": "10.0.0.1", "DestinationPrefix": "0.0.0.0/0"}
SUBNET: dict[str, Any] = {"IpAddressPrefix": "10.0.0.0/24", "Routes": [ROUTE]}
ACCESS = {"Action": "Allow", "Direction": "In"}
MAPPING: dict[str, Any] = {"Protocol": 6, "InternalPort": 80, "ExternalPort": 8080}


def hcn(**members: Any) -> dict[str, Any]:
    return {"SchemaVersion": {"Major": 2, "Minor": 0}} | members


def endpoint(**members: Any) -> dict[str, Any]:
    return hcn(HostComputeNetwork=GUID, **members)


def mapped(**members: Any) -> dict[str, Any]:
    return {"Type": "PortMapping", "Settings": MAPPING | members}


def request(kind: str, settings: Any, change: str = "Add") -> dict[str, Any]:
    return {"ResourceType": kind, "RequestType": change, "Settings": settings}


POLICIES: dict[str, Any] = {
    "Policies": [mapped(), {"Type": "ACL", "Settings": ACCESS}, {"Type": "QOS", "Settings": {}}]
}
BALANCER = hcn(HostComputeEndpoints=[GUID])

AS_HCN = "HCN writes ids in lower case and without braces: write it so"
OF_THE_FIRST = "this is a document of schema 1, as Docker wrote them; schema 2 has "

CASES: list[Case] = [
    case(
        "schema_is_not_the_first",
        "HostComputeEndpoint",
        endpoint(VirtualNetwork=GUID, IPAddress="10.0.0.2", PrefixLength=24, DNSSuffix="a"),
        endpoint(),
        structure("unknown", "$.VirtualNetwork"),
        structure("unknown", "$.IPAddress"),
        structure("unknown", "$.PrefixLength"),
        structure("unknown", "$.DNSSuffix"),
        warning(
            "$.VirtualNetwork",
            f"{OF_THE_FIRST}HostComputeNetwork for VirtualNetwork, IpConfigurations for IPAddress and PrefixLength, "
            "Dns.Domain for DNSSuffix",
        ),
    ),
    case(
        "schema_is_not_the_first",
        "HostComputeEndpoint",
        endpoint(Policies=[{"Type": "NAT", "InternalPort": 80}]),
        endpoint(Policies=[mapped()]),
        structure("value", "$.Policies[0].Type"),
        structure("unknown", "$.Policies[0].InternalPort"),
        warning("$.Policies", f"{OF_THE_FIRST}a policy PortMapping with Settings for NAT"),
    ),
    case(
        "schema_is_not_the_first",
        "HostComputeNetwork",
        hcn(Subnets=[{"AddressPrefix": "10.0.0.0/24"}]),
        hcn(),
        structure("unknown", "$.Subnets"),
        warning("$.Subnets", f"{OF_THE_FIRST}Ipams for Subnets"),
    ),
    case(
        "named_ids_are_as_hcn_writes_them",
        "HostComputeEndpoint",
        hcn(HostComputeNetwork=GUID.upper()),
        endpoint(),
        warning("$.HostComputeNetwork", AS_HCN),
    ),
    case(
        "named_ids_are_as_hcn_writes_them",
        "NamespaceEndpointRequest",
        {"EndpointId": "{" + GUID + "}"},
        {"EndpointId": GUID},
        warning("$.EndpointId", AS_HCN),
    ),
    case(
        "named_ids_are_as_hcn_writes_them",
        "HostComputeLoadBalancer",
        hcn(HostComputeEndpoints=[GUID, GUID.upper()]),
        hcn(HostComputeEndpoints=[GUID]),
        warning("$.HostComputeEndpoints[1]", AS_HCN),
    ),
    case(
        "endpoint_has_a_network",
        "HostComputeEndpoint",
        hcn(Name="web"),
        endpoint(Name="web"),
        warning("$.HostComputeNetwork", "every known client gives the id of the endpoint's network: add it"),
    ),
    case(
        "gateway_is_in_the_subnet",
        "Subnet",
        {"IpAddressPrefix": "10.0.0.0/24", "Routes": [ROUTE | {"NextHop": "10.0.0.0"}]},
        {"IpAddressPrefix": "10.0.0.0/31", "Routes": [ROUTE | {"NextHop": "10.0.0.0"}]},
        warning(
            "$.Routes[0].NextHop",
            "this is the address of the network itself: give the gateway's, such as 10.0.0.1",
        ),
    ),
    case(
        "settings_of_an_endpoint_policy",
        "HostComputeEndpoint",
        endpoint(Policies=[{"Type": "PortMapping"}]),
        endpoint(Policies=[{"Type": "OutBoundNAT"}]),
        warning(
            "$.Policies[0].Settings",
            "a policy of the Type PortMapping does nothing without Settings: add those of PortMappingPolicySetting",
        ),
    ),
    case(
        "settings_of_an_endpoint_policy",
        "EndpointPolicy",
        {"Type": "PortMapping", "InternalPort": 80},
        mapped(),
        structure("unknown", "$.InternalPort"),
        warning(
            "$.Settings",
            "a policy of the Type PortMapping does nothing without Settings: move what is beside its Type into them",
        ),
    ),
    case(
        "settings_of_an_endpoint_policy",
        "ModifyEndpointSettingRequest",
        request("Policy", {"Policies": [{"Type": "QOS"}]}),
        request("Policy", {"Policies": [{"Type": "ACL"}]}, "Remove"),
        warning(
            "$.Settings.Policies[0].Settings",
            "a policy of the Type QOS does nothing without Settings: add those of QosPolicySetting",
        ),
    ),
    case(
        "settings_of_a_network_policy",
        "NetworkPolicy",
        {"Type": "VxlanPort"},
        {"Type": "HostRoute"},
        warning(
            "$.Settings",
            "a policy of the Type VxlanPort does nothing without Settings: add those of VxlanPortPolicySetting",
        ),
    ),
    case(
        "other_flags_are_a_number",
        "FirewallPolicySetting",
        {"FirewallPolicyFlags": "ConstrainedInterface"},
        {"FirewallPolicyFlags": 1},
        warning("$.FirewallPolicyFlags", "AspireHcs saw HCN refuse flags given as a text: give the number"),
    ),
    case(
        "other_flags_are_a_number",
        "IpSubnet",
        {"IpAddressPrefix": "10.0.0.0/24", "Flags": "EnableBroadcast"},
        {"IpAddressPrefix": "10.0.0.0/24", "Flags": 1},
        warning("$.Flags", "AspireHcs saw HCN refuse flags given as a text: give the number"),
    ),
    case(
        "protocol_is_a_number",
        "PortMappingPolicySetting",
        MAPPING | {"Protocol": "UDP"},
        MAPPING | {"Protocol": 17},
        warning("$.Protocol", "Microsoft's client gives a number here: give 17"),
    ),
    case(
        "distribution_is_a_number",
        "LoadBalancerPortMapping",
        {"InternalPort": 80, "DistributionType": "SourceIP"},
        {"InternalPort": 80, "DistributionType": 2},
        warning("$.DistributionType", "Microsoft's client gives a number here: give 2"),
    ),
    case(
        "moderation_is_a_number",
        "IovPolicySetting",
        {"InterruptModeration": "IovInterruptModerationOff"},
        {"InterruptModeration": 2},
        warning("$.InterruptModeration", "Microsoft's client gives a number here: give 0 for the default"),
    ),
    case(
        "schema_is_named",
        "HostComputeNetwork",
        {"Name": "a"},
        hcn(Name="a"),
        warning(
            "$.SchemaVersion",
            'without it HCN takes this for schema 1, which has other members: give {"Major": 2, "Minor": 0}',
        ),
    ),
    case(
        "schema_is_the_second",
        "HostComputeNetwork",
        {"SchemaVersion": {"Major": 1, "Minor": 0}},
        hcn(),
        warning("$.SchemaVersion.Major", 'these members are of schema 2: give {"Major": 2, "Minor": 0}'),
    ),
    case(
        "id_is_as_hcn_writes_it",
        "HostComputeEndpoint",
        endpoint(ID="{" + GUID + "}"),
        endpoint(ID=GUID),
        warning("$.ID", "HCN writes ids in lower case and without braces: write it so"),
    ),
    case(
        "id_is_as_hcn_writes_it",
        "HostComputeEndpoint",
        endpoint(ID=GUID.upper()),
        endpoint(),
        warning("$.ID", "HCN writes ids in lower case and without braces: write it so"),
    ),
    case(
        "filter_is_json",
        "HostComputeQuery",
        hcn(Filter="Name=a"),
        hcn(Filter='{"Name": "a"}'),
        error("$.Filter", 'the text of a JSON object is expected, as in {"Name": "web"}'),
    ),
    case(
        "filter_is_json",
        "HostComputeQuery",
        hcn(Filter="[1]"),
        hcn(Filter=""),
        error("$.Filter", 'the text of a JSON object is expected, as in {"Name": "web"}'),
    ),
    case(
        "subnet_is_a_prefix",
        "IpSubnet",
        {"IpAddressPrefix": "10.0.0.0"},
        {"IpAddressPrefix": "10.0.0.0/24"},
        error("$.IpAddressPrefix", "a network with its length is expected, as in 192.168.100.0/24"),
    ),
    case(
        "subnet_is_a_prefix",
        "IpSubnet",
        {"IpAddressPrefix": "10.0.0.5/24"},
        {"IpAddressPrefix": "fd00::/64"},
        warning("$.IpAddressPrefix", "this is an address of the network 10.0.0.0/24: give the network itself"),
    ),
    case(
        "subnet_has_a_gateway",
        "Subnet",
        {"IpAddressPrefix": "10.0.0.0/24"},
        SUBNET,
        warning(
            "$.Routes",
            (
                "hcsshim refuses a subnet without a default route: add one with the DestinationPrefix 0.0.0.0/0, "
                "or ::/0 for IPv6"
            ),
        ),
    ),
    case(
        "subnet_has_a_gateway",
        "Subnet",
        SUBNET | {"Routes": [{"DestinationPrefix": "0.0.0.0/0"}]},
        {"Policies": []},
        warning("$.Routes[0].NextHop", "hcsshim refuses a route without it: give the gateway's address"),
    ),
    case(
        "gateway_is_in_the_subnet",
        "Subnet",
        SUBNET | {"Routes": [ROUTE | {"NextHop": "10.0.1.1"}]},
        SUBNET,
        warning("$.Routes[0].NextHop", "the gateway is not in the subnet 10.0.0.0/24: give an address that is"),
    ),
    case(
        "route_leads_to_a_prefix",
        "Route",
        ROUTE | {"DestinationPrefix": "0.0.0.0"},
        ROUTE,
        error("$.DestinationPrefix", "a network with its length is expected, as in 0.0.0.0/0 or 10.0.0.0/8"),
    ),
    case(
        "next_hop_is_an_address",
        "SDNRoutePolicySetting",
        {"NextHop": "10.0.0.1/24"},
        {"NextHop": "10.0.0.1"},
        error("$.NextHop", "an IP address without a prefix length is expected, as in 192.168.100.1"),
    ),
    case(
        "addresses_of_cards_are_written_with_dashes",
        "HostComputeEndpoint",
        endpoint(MacAddress="00-15-5D"),
        endpoint(MacAddress="00-15-5d-52-c0-00"),
        error("$.MacAddress", "a MAC address is expected: six pairs of hexadecimal digits, as in 00-15-5D-52-C0-00"),
    ),
    case(
        "addresses_of_cards_are_written_with_dashes",
        "DrMacAddressNetworkPolicySetting",
        {"Address": "00:15:5D:52:C0:00"},
        {"Address": "00-15-5D-52-C0-00"},
        warning("$.Address", "HCN writes MAC addresses with dashes, as in 00-15-5D-52-C0-00: write it so"),
    ),
    case(
        "range_has_an_order",
        "MacRange",
        {"StartMacAddress": "00-15-5D-52-C0-01", "EndMacAddress": "00-15-5D-52-C0-00"},
        {"StartMacAddress": "00-15-5D-52-C0-00", "EndMacAddress": "00-15-5D-52-CF-FF"},
        warning("$.EndMacAddress", "the range ends before it starts: swap the two addresses"),
    ),
    case(
        "servers_are_addresses",
        "DNS",
        {"ServerList": ["1.1.1.1", "dns.example"]},
        {"ServerList": ["1.1.1.1", "::1"]},
        warning("$.ServerList[1]", "give the IP address of the DNS server, not its name"),
    ),
    case(
        "vlan_is_one",
        "VlanPolicySetting",
        {"IsolationId": 4095},
        {"IsolationId": 4094},
        warning("$.IsolationId", "a VLAN ID is at most 4094: give a smaller one"),
    ),
    case(
        "segment_is_one",
        "VsidPolicySetting",
        {"IsolationId": 1 << 24},
        {"IsolationId": 5000},
        warning("$.IsolationId", "a VXLAN segment ID is at most 16777215: give a smaller one"),
    ),
    case(
        "settings_of_an_endpoint_policy",
        "EndpointPolicy",
        {"Settings": {}},
        {"Type": "L2Driver"},
        warning("$.Type", "the type says what the Settings are: add it"),
    ),
    case(
        "settings_of_an_endpoint_policy",
        "EndpointPolicy",
        {"Type": "QOS", "Settings": {"Colour": "red"}},
        {"Type": "QOS", "Settings": {"MaximumOutgoingBandwidthInBytes": 1}},
        structure("unknown", "$.Settings.Colour"),
    ),
    case(
        "settings_of_a_network_policy",
        "NetworkPolicy",
        {"Type": "VxlanPort", "Settings": {"Port": "4789"}},
        {"Type": "VxlanPort", "Settings": {"Port": 4789}},
        structure("type", "$.Settings.Port"),
    ),
    case(
        "settings_of_a_subnet_policy",
        "SubnetPolicy",
        {"Type": "VLAN", "Settings": {"IsolationId": "5"}},
        {"Type": "VLAN", "Settings": {"IsolationId": 5}},
        structure("type", "$.Settings.IsolationId"),
    ),
    case(
        "settings_of_an_authentication",
        "PrioritizedAuthenticationMethod",
        {"Type": "PresharedKey", "Settings": {"Key": 5}},
        {"Type": "PresharedKey", "Settings": {"Key": "secret"}},
        structure("type", "$.Settings.Key"),
    ),
    case(
        "mapped_protocol_has_ports",
        "PortMappingPolicySetting",
        MAPPING | {"Protocol": 1},
        MAPPING,
        warning("$.Protocol", "only TCP (6) and UDP (17) have ports: give one of them"),
    ),
    case(
        "mapping_leads_to_a_port",
        "LoadBalancerPortMapping",
        {"ExternalPort": 80},
        {"InternalPort": 80},
        warning("$.InternalPort", "give the port that the endpoint listens on, from 1 to 65535"),
    ),
    case(
        "mapped_ports_are_different",
        "HostComputeEndpoint",
        endpoint(Policies=[mapped(), mapped(InternalPort=81)]),
        endpoint(
            Policies=[
                mapped(),
                mapped(Protocol=17),
                mapped(ExternalPort=8081),
                mapped(ExternalPort=0),
                mapped(ExternalPort=0),
            ]
        ),
        error(
            "$.Policies[1].Settings.ExternalPort",
            "this port is mapped above already, and HCN refuses it a second time: choose another",
        ),
    ),
    case(
        "endpoint_is_attached_later",
        "HostComputeEndpoint",
        endpoint(HostComputeNamespace=GUID),
        endpoint(),
        ignored("$.HostComputeNamespace", "HCN only reports it; add the endpoint with a ModifyNamespaceSettingRequest"),
    ),
    case(
        "configuration_is_an_address",
        "IpConfig",
        {"IpAddress": "10.0.0.2/24"},
        {"IpAddress": "10.0.0.2", "PrefixLength": 24},
        error("$.IpAddress", "an IP address without a prefix length is expected: move the length to PrefixLength"),
    ),
    case(
        "configuration_is_an_address",
        "IpConfig",
        {"IpAddress": "here"},
        {"IpAddress": "10.0.0.2"},
        error("$.IpAddress", "an IP address without a prefix length is expected, as in 192.168.100.7"),
    ),
    case(
        "configuration_is_an_address",
        "IpConfig",
        {"IpAddress": "10.0.0.2", "PrefixLength": 64},
        {"IpAddress": "fd00::2", "PrefixLength": 64},
        error("$.PrefixLength", "the length for an IPv4 address is at most 32"),
    ),
    case(
        "protocols_are_numbers",
        "AclPolicySetting",
        ACCESS | {"Protocols": "TCP"},
        ACCESS | {"Protocols": "6,17"},
        warning(
            "$.Protocols", ('numbers of protocols with commas between them are expected, as in "6,17" for TCP and UDP')
        ),
    ),
    case(
        "ports_are_numbers",
        "AclPolicySetting",
        ACCESS | {"LocalPorts": "http", "RemotePorts": "65536"},
        ACCESS | {"LocalPorts": "80,8000-8080", "RemotePorts": "*"},
        warning("$.LocalPorts", 'ports with commas between them are expected, as in "80,443" or "8000-8080"'),
        warning("$.RemotePorts", 'ports with commas between them are expected, as in "80,443" or "8000-8080"'),
    ),
    case(
        "places_are_addresses",
        "FiveTuple",
        {"LocalAddresses": "here", "RemoteAddresses": "10.0.0.0/33"},
        {"LocalAddresses": "10.0.0.0/8, ::1", "RemoteAddresses": "*"},
        warning(
            "$.LocalAddresses", 'addresses with commas between them are expected, as in "192.168.100.0/24,10.0.0.21"'
        ),
        warning(
            "$.RemoteAddresses", 'addresses with commas between them are expected, as in "192.168.100.0/24,10.0.0.21"'
        ),
    ),
    case(
        "access_rule_is_complete",
        "AclPolicySetting",
        {},
        ACCESS,
        warning("$.Action", 'Microsoft\'s client gives it in each rule: "Allow" or "Block"'),
        warning("$.Direction", 'Microsoft\'s client gives it in each rule: "In" or "Out"'),
    ),
    case(
        "proxy_has_one_name_each",
        "L4ProxyPolicySetting",
        {"ExceptionList": [], "OutboundNat": True},
        {"Exceptions": [], "OutboundNAT": True},
        warning("$.ExceptionList", "Microsoft's client calls this Exceptions: use that name"),
        warning("$.OutboundNat", "Microsoft's client calls this OutboundNAT: use that name"),
    ),
    case(
        "proxy_has_a_port",
        "L4WfpProxyPolicySetting",
        {"InboundProxyPort": "80,81"},
        {"InboundProxyPort": "15001"},
        warning("$.InboundProxyPort", 'the number of one port is expected, as the text "15001"'),
    ),
    case(
        "exceptions_are_addresses",
        "OutboundNatPolicySetting",
        {"Exceptions": ["10.0.0.0/8", "all"]},
        {"Exceptions": ["10.0.0.0/8"], "Destinations": ["10.0.0.1"]},
        warning("$.Exceptions[1]", "an address, or a network with its length, is expected, as in 10.0.0.0/8"),
    ),
    case(
        "some_policies_come_with_the_endpoint",
        "ModifyEndpointSettingRequest",
        request("Policy", POLICIES, "Update"),
        request("Policy", POLICIES, "Remove"),
        ignored("$.Settings.Policies[0]", "a port is mapped only by the document that the endpoint is created with"),
        warning(
            "$.Settings.Policies[1]",
            "on Windows 11 an access list has no effect unless the endpoint is created with it: "
            "create the endpoint with it",
        ),
    ),
    case(
        "default_namespace_is_not_for_containers",
        "HostComputeNamespace",
        hcn(Type="HostDefault"),
        hcn(Type="Host"),
        warning(
            "$.Type", 'HostDefault is the namespace of the host itself, and no container can be in it: give "Host"'
        ),
    ),
    case(
        "resource_has_its_data",
        "NamespaceResource",
        {"Type": "Endpoint"},
        {"Type": "Endpoint", "Data": {"Id": GUID}},
        warning("$.Data", "a resource is named by its id here: add it"),
    ),
    case(
        "route_has_settings",
        "HostComputeRoute",
        hcn(HostComputeEndpoints=[GUID], Routes=[]),
        hcn(HostComputeEndpoints=[GUID], Setting=[]),
        warning("$.Routes", "Microsoft's client calls this Setting: use that name"),
    ),
    case(
        "route_has_settings",
        "HostComputeRoute",
        hcn(HostComputeEndpoints=[GUID], Routes=[], Setting=[]),
        hcn(HostComputeEndpoints=[GUID], Setting=[]),
        warning("$.Routes", "this and Setting are two names for one member: leave this one out"),
    ),
    case(
        "there_are_endpoints",
        "HostComputeLoadBalancer",
        hcn(),
        BALANCER,
        warning("$.HostComputeEndpoints", "there are no endpoints here: give the ids of those that this is for"),
    ),
    case(
        "virtual_addresses_are_addresses",
        "HostComputeLoadBalancer",
        hcn(HostComputeEndpoints=[GUID], SourceVIP="a", FrontendVIPs=["1.1.1.2/32"]),
        hcn(HostComputeEndpoints=[GUID], SourceVIP="10.0.0.1", FrontendVIPs=["1.1.1.2"]),
        error("$.SourceVIP", "an IP address without a prefix length is expected, as in 192.168.100.1"),
        error("$.FrontendVIPs[0]", "an IP address without a prefix length is expected, as in 192.168.100.1"),
    ),
]

# A struct with flags, the name of one, its number, all that are known, and a document of the struct.
_FLAGS: list[tuple[str, str, int, int, dict[str, Any]]] = [
    ("HostComputeNetwork", "EnableNonPersistent", 8, 0x3FFF, hcn()),
    ("HostComputeEndpoint", "EnableDhcp", 32, 0x3F, endpoint()),
    ("HostComputeLoadBalancer", "EnableDirectServerReturn", 1, 3, BALANCER),
    ("LoadBalancerPortMapping", "LocalRoutedVip", 2, 15, {"InternalPort": 80}),
    ("PortMappingPolicySetting", "LocalRoutedVip", 1, 3, MAPPING),
    ("OutboundNatPolicySetting", "IPv6", 2, 3, {}),
    ("Subnet", "DoNotReserveGatewayAddress", 1, 1, SUBNET),
    ("HostComputeQuery", "Detailed", 1, 1, hcn()),
]
CASES.extend(
    case(
        "flags_are_a_number",
        struct,
        document | {"Flags": name},
        document | {"Flags": every},
        warning("$.Flags", f"Microsoft's client gives a number here: give {number}")
        if struct == "HostComputeQuery"
        else error("$.Flags", f"HCN takes flags as a number only: give {number}"),
    )
    for struct, name, number, every, document in _FLAGS
)
CASES.extend(
    case(
        "flags_are_known",
        struct,
        document | {"Flags": every + 1},
        document | {"Flags": 0},
        Found("rule", "$.Flags", "warning"),
    )
    for struct, _, _, every, document in _FLAGS
)
CASES.append(
    case(
        "flags_are_known",
        "OutboundNatPolicySetting",
        {"Flags": 8},
        {"Flags": 2},
        warning("$.Flags", "there are flags here that no source knows; known are 1 LocalRoutedVip, 2 IPv6"),
    )
)

# A request, all its resources, one of these, and settings of that.
_REQUESTS: list[tuple[str, str, str, dict[str, Any]]] = [
    ("ModifyNetworkSettingRequest", "Policy, DNS, Extension, Subnet, IPSubnet", "DNS", {"Domain": "a"}),
    ("ModifyEndpointSettingRequest", "Policy, Port", "Port", {"PortId": GUID}),
    ("ModifyNamespaceSettingRequest", "Endpoint, Container", "Endpoint", {"EndpointId": GUID}),
    ("ModifyGuestNetworkServiceSettingRequest", "State", "State", {"State": "Paused"}),
]
for _struct, _kinds, _kind, _settings in _REQUESTS:
    CASES.extend(
        [
            case(
                "settings_are_those_of_the_resource",
                _struct,
                {"RequestType": "Add", "Settings": {}},
                request(_kind, _settings),
                error("$.ResourceType", f"say what to change: {_kinds}"),
            ),
            case(
                "settings_are_those_of_the_resource",
                _struct,
                request(_kind, {"Colour": "red"}),
                request(_kind, _settings),
                structure("unknown", "$.Settings.Colour"),
            ),
            case(
                "request_says_what_to_do",
                _struct,
                {"ResourceType": _kind, "Settings": _settings},
                request(_kind, _settings),
                warning("$.RequestType", 'every known client says what to do: "Add", "Remove" or "Update"'),
            ),
        ]
    )
