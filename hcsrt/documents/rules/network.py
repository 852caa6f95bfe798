"""Rules of networks, endpoints, namespaces, load balancers and routes of HCN."""

from __future__ import annotations

from typing import Any

from . import Look, rule
from .texts import address, addresses, as_hcn_writes_it, first_schema, mac, members, numbers, prefix

_TCP, _UDP = 6, 17
_IPV4 = 4
_LARGEST_PORT = 65_535
_LARGEST_PROTOCOL = 256
_LARGEST_VLAN = 4_094
_LARGEST_VSID = (1 << 24) - 1
_BITS = {4: 32, 6: 128}
_DEFAULT_ROUTES = ("0.0.0.0/0", "::/0")
_ADDRESS_EXPECTED = "an IP address without a prefix length is expected, as in 192.168.100.1"

_NAT_FLAGS = {"None": 0, "LocalRoutedVip": 1, "IPv6": 2}
_FLAGS: dict[str, dict[str, int]] = {
    "HostComputeNetwork": {
        "None": 0, "EnableDnsProxy": 1, "EnableDhcpServer": 2, "EnableMirroring": 4, "EnableNonPersistent": 8,
        "EnablePersistent": 16, "IsolateVSwitch": 32, "EnableFlowSteering": 64, "DisableSharing": 128,
        "EnableFirewall": 256, "SuppressMediaDisconnect": 512, "DisableHostPort": 1024,
        "WeakHostReceiveAdapter": 2048, "WeakHostSendAdapter": 4096, "EnableIov": 8192,
    },
    "HostComputeEndpoint": {
        "None": 0, "RemoteEndpoint": 1, "DisableInterComputeCommunication": 2, "EnableMirroring": 4,
        "EnableLowInterfaceMetric": 8, "OverrideDNSServerOrder": 16, "EnableDhcp": 32,
    },
    "HostComputeLoadBalancer": {"None": 0, "EnableDirectServerReturn": 1, "IPv6": 2},
    "LoadBalancerPortMapping": {
        "None": 0, "EnableInternalLoadBalancer": 1, "LocalRoutedVip": 2, "NotUsed": 4, "EnablePreserveDip": 8,
    },
    "PortMappingPolicySetting": _NAT_FLAGS,
    "OutboundNatPolicySetting": _NAT_FLAGS,
    "Subnet": {"None": 0, "DoNotReserveGatewayAddress": 1},
    "HostComputeQuery": {"None": 0, "Detailed": 1},
}  # fmt: skip
_PROTOCOLS = {"Unknown": 0, "ICMPv4": 1, "IGMP": 2, "TCP": _TCP, "UDP": _UDP, "ICMPv6": 58}
_DISTRIBUTIONS = {"None": 0, "SourceIPProtocol": 1, "SourceIP": 2}

_ENDPOINT_POLICIES = {
    "PortMapping": "PortMappingPolicySetting",
    "ACL": "AclPolicySetting",
    "QOS": "QosPolicySetting",
    "OutBoundNAT": "OutboundNatPolicySetting",
    "SDNRoute": "SDNRoutePolicySetting",
    "L4Proxy": "L4ProxyPolicySetting",
    "L4WFPPROXY": "L4WfpProxyPolicySetting",
    "ProviderAddress": "ProviderAddressEndpointPolicySetting",
    "PortName": "PortnameEndpointPolicySetting",
    "EncapOverhead": "EncapOverheadEndpointPolicySetting",
    "InterfaceConstraint": "InterfaceConstraintEndpointPolicySetting",
    "Encryption": "EncryptionPolicySetting",
    "VLAN": "VlanPolicySetting",
    "InterfaceParameters": "InterfaceParametersPolicySetting",
    "Iov": "IovPolicySetting",
    "TierAcl": "TierAclPolicySetting",
}
_NETWORK_POLICIES = {
    "SourceMacAddress": "SourceMacAddressNetworkPolicySetting",
    "NetAdapterName": "NetAdapterNameNetworkPolicySetting",
    "InterfaceConstraint": "InterfaceConstraintNetworkPolicySetting",
    "VSwitchExtension": "VSwitchExtensionNetworkPolicySetting",
    "ProviderAddress": "ProviderAddressNetworkPolicySetting",
    "DrMacAddress": "DrMacAddressNetworkPolicySetting",
    "AutomaticDNS": "AutomaticDNSNetworkPolicySetting",
    "RemoteSubnetRoute": "RemoteSubnetRoutePolicySetting",
    "VxlanPort": "VxlanPortPolicySetting",
    "HostRoute": "HostRoutePolicySetting",
    "SetPolicy": "SetPolicySetting",
    "L4Proxy": "L4ProxyPolicySetting",
    "LayerConstraint": "LayerConstraintNetworkPolicySetting",
    "NetworkACL": "NetworkAclPolicySetting",
}
# Policies that act by their type alone: each member of their settings may be left out.
_WITHOUT_SETTINGS = frozenset({"HostRoute", "OutBoundNAT", "Iov", "Encryption", "InterfaceParameters"})
_SUBNET_POLICIES = {"VLAN": "VlanPolicySetting", "VSID": "VsidPolicySetting"}
_REQUESTS = {
    "ModifyNetworkSettingRequest": {
        "Policy": "PolicyNetworkRequest",
        "DNS": "DNS",
        "Extension": "Extension",
        "Subnet": "SubnetNetworkRequest",
        "IPSubnet": "IPSubnetNetworkRequest",
    },
    "ModifyEndpointSettingRequest": {"Policy": "PolicyEndpointRequest", "Port": "VmEndpointRequest"},
    "ModifyNamespaceSettingRequest": {
        "Endpoint": "NamespaceEndpointRequest",
        "Container": "NamespaceContainerRequest",
    },
    "ModifyGuestNetworkServiceSettingRequest": {"State": "GuestNetworkServiceStateRequest"},
}
_AUTHENTICATIONS = {"PresharedKey": "AuthenticationPresharedKey", "Certificate": "AuthenticationCertificate"}

_CREATED = ("HostComputeNetwork", "HostComputeEndpoint", "HostComputeNamespace", "HostComputeLoadBalancer",
            "HostComputeRoute")  # fmt: skip

_POLICY_FACT = "Microsoft's HNS schema, its policy settings; hcsshim, hcn/hcnpolicy.go"


# --- numbers on the wire ----------------------------------------------------------------------------------------------


def _flags_of(struct: str) -> None:
    known = _FLAGS[struct]
    every = sum(known.values())
    listed = ", ".join(f"{value} {name}" for name, value in known.items() if value)

    # Nobody has tried a query with a text.
    certain = struct != "HostComputeQuery"

    @rule(
        struct,
        fact="AspireHcs: HCN refused Flags as a text with HCN_E_INVALID_JSON (measured on one document); "
        "hcsshim sends numbers"
        if certain
        else "hcsshim, HostComputeQuery.Flags: it sends a number",
    )
    def flags_are_a_number(look: Look, object: dict[str, Any]) -> None:
        """Flags are a number, not a text."""
        flags = object.get("Flags")
        if not isinstance(flags, str):
            return
        number = known.get(flags, "the number")
        if certain:
            look.error("Flags", f"HCN takes flags as a number only: give {number}")
        else:
            look.warning("Flags", f"Microsoft's client gives a number here: give {number}")

    @rule(struct, fact="WSL, hns_schema.h; hcsshim, hcn")
    def flags_are_known(look: Look, object: dict[str, Any]) -> None:
        """Each flag is known."""
        flags = object.get("Flags")
        if isinstance(flags, int) and flags & ~every:
            look.warning("Flags", f"there are flags here that no source knows; known are {listed}")


for _struct in _FLAGS:
    _flags_of(_struct)


@rule("IpSubnet", "GuestNetworkService", "FirewallPolicySetting",
      fact="AspireHcs: HCN refused other Flags as a text (measured on one document)")  # fmt: skip
def other_flags_are_a_number(look: Look, object: dict[str, Any]) -> None:
    """Flags are a number, not a text."""
    for member in ("Flags", "FirewallPolicyFlags"):
        if isinstance(object.get(member), str):
            look.warning(member, "AspireHcs saw HCN refuse flags given as a text: give the number")


@rule(
    "PortMappingPolicySetting",
    "LoadBalancerPortMapping",
    "CommonL4ProxyPolicySetting",
    "L4ProxyPolicySetting",
    "L4ProxyPolicySetting_2",
    fact="hcsshim, hcn/hcnpolicy.go: it sends the number of the protocol",
)
def protocol_is_a_number(look: Look, mapping: dict[str, Any]) -> None:
    """A protocol is a number, not a text."""
    protocol = mapping.get("Protocol")
    if isinstance(protocol, str):
        look.warning("Protocol", f"Microsoft's client gives a number here: give {_PROTOCOLS.get(protocol, _TCP)}")


@rule("LoadBalancerPortMapping", fact="hcsshim, hcn/hcnloadbalancer.go: it sends a number")
def distribution_is_a_number(look: Look, mapping: dict[str, Any]) -> None:
    """A distribution is a number, not a text."""
    distribution = mapping.get("DistributionType")
    if isinstance(distribution, str):
        number = _DISTRIBUTIONS.get(distribution, 0)
        look.warning("DistributionType", f"Microsoft's client gives a number here: give {number}")


@rule("IovPolicySetting", fact="hcsshim, hcn/hcnpolicy.go: it sends a number")
def moderation_is_a_number(look: Look, setting: dict[str, Any]) -> None:
    """A way to moderate interrupts is a number, not a text."""
    if isinstance(setting.get("InterruptModeration"), str):
        look.warning("InterruptModeration", "Microsoft's client gives a number here: give 0 for the default")


# --- all objects ------------------------------------------------------------------------------------------------------


@rule(
    *_CREATED,
    "HostComputeQuery",
    fact="WSL: without it HNS takes a document for one of its first schema",
)
def schema_is_named(look: Look, object: dict[str, Any]) -> None:
    """A document names its schema."""
    if "SchemaVersion" not in object:
        look.warning(
            "SchemaVersion",
            'without it HCN takes this for schema 1, which has other members: give {"Major": 2, "Minor": 0}',
        )


@rule(*_CREATED, "HostComputeQuery", fact="hcsshim, hcn/hcnglobals.go: the schema of these types is 2")
def schema_is_the_second(look: Look, object: dict[str, Any]) -> None:
    """The schema of a document is 2."""
    if object.get("SchemaVersion", {}).get("Major", 2) != 2:
        look.warning(("SchemaVersion", "Major"), 'these members are of schema 2: give {"Major": 2, "Minor": 0}')


# What documents of schema 1 have, and where schema 2 has it.
_OF_THE_FIRST = {
    "Subnets": "Ipams",
    "MacPools": "MacPool",
    "SourceMac": "a policy SourceMacAddress",
    "NetworkAdapterName": "a policy NetAdapterName",
    "VirtualNetwork": "HostComputeNetwork",
    "VirtualNetworkName": "HostComputeNetwork",
    "IPAddress": "IpConfigurations",
    "PrefixLength": "IpConfigurations",
    "IPv6Address": "IpConfigurations",
    "GatewayAddress": "Routes",
    "DNSServerList": "Dns.ServerList",
    "DNSSuffix": "Dns.Domain",
}


@rule("HostComputeNetwork", "HostComputeEndpoint", fact="hcsshim, HNSNetwork and HNSEndpoint; WSL, hns_schema.h")
def schema_is_not_the_first(look: Look, object: dict[str, Any]) -> None:
    """A document has no members of schema 1, and no policy with its settings beside its type."""
    flat = any(
        "Type" not in policy and ("InternalPort" in policy or "ExternalPort" in policy)
        for policy in object.get("Policies", ())
    )
    first_schema(look, object, _OF_THE_FIRST, "a policy PortMapping with Settings for NAT" if flat else "")


@rule(*_CREATED, fact="hcsshim, hcn: HNS writes ids in lower case and without braces")
def id_is_as_hcn_writes_it(look: Look, object: dict[str, Any]) -> None:
    """An id is in lower case and without braces."""
    if not as_hcn_writes_it(object.get("ID", "")):
        look.warning("ID", "HCN writes ids in lower case and without braces: write it so")


@rule(
    "HostComputeEndpoint",
    "HostComputeLoadBalancer",
    "HostComputeRoute",
    "NamespaceEndpointRequest",
    fact="hcsshim, hcn: HNS writes ids in lower case and without braces, and it sends them so",
)
def named_ids_are_as_hcn_writes_them(look: Look, object: dict[str, Any]) -> None:
    """Ids of other objects are in lower case and without braces."""
    text = "HCN writes ids in lower case and without braces: write it so"
    for member in ("HostComputeNetwork", "EndpointId"):
        if not as_hcn_writes_it(object.get(member, "")):
            look.warning(member, text)
    for index, id in enumerate(object.get("HostComputeEndpoints", ())):
        if not as_hcn_writes_it(id):
            look.warning(("HostComputeEndpoints", index), text)


@rule("HostComputeQuery", fact="hcsshim, hcn: the filter is JSON in a text")
def filter_is_json(look: Look, query: dict[str, Any]) -> None:
    """A filter is the text of a JSON object."""
    text = query.get("Filter")
    if not text:
        return
    import json

    try:
        is_object = isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        is_object = False
    if not is_object:
        look.error("Filter", 'the text of a JSON object is expected, as in {"Name": "web"}')


# --- networks ---------------------------------------------------------------------------------------------------------


@rule("Subnet", "IpSubnet", fact="hcsshim and WSL send a prefix; HCN has the code HCN_E_INVALID_PREFIX")
def subnet_is_a_prefix(look: Look, subnet: dict[str, Any]) -> None:
    """The prefix of a subnet is the address of a network, with its length."""
    text = subnet.get("IpAddressPrefix")
    if not text:
        return
    network = prefix(text)
    if network is None:
        look.error("IpAddressPrefix", "a network with its length is expected, as in 192.168.100.0/24")
    elif str(network.network_address) != str(address(text.partition("/")[0])):
        look.warning("IpAddressPrefix", f"this is an address of the network {network}: give the network itself")


@rule("Subnet", fact="hcsshim, HostComputeNetwork.Create: it refuses such a subnet")
def subnet_has_a_gateway(look: Look, subnet: dict[str, Any]) -> None:
    """A subnet has a default route, and each of its routes a next hop."""
    if not subnet.get("IpAddressPrefix"):
        return
    routes = subnet.get("Routes", ())
    for index, route in enumerate(routes):
        if not route.get("NextHop"):
            look.warning(("Routes", index, "NextHop"), "hcsshim refuses a route without it: give the gateway's address")
    if not any(route.get("DestinationPrefix") in _DEFAULT_ROUTES for route in routes):
        look.warning(
            "Routes",
            "hcsshim refuses a subnet without a default route: add one with the DestinationPrefix 0.0.0.0/0, "
            "or ::/0 for IPv6",
        )


@rule("Subnet", fact="a gateway is a neighbour: one address of the same network")
def gateway_is_in_the_subnet(look: Look, subnet: dict[str, Any]) -> None:
    """The next hop of a default route is in the subnet."""
    network = prefix(subnet.get("IpAddressPrefix", ""))
    if network is None:
        return
    for index, route in enumerate(subnet.get("Routes", ())):
        if route.get("DestinationPrefix") not in _DEFAULT_ROUTES:
            continue
        gateway = address(route.get("NextHop", ""))
        if gateway is None or gateway.version != network.version:
            continue
        if gateway not in network:
            look.warning(
                ("Routes", index, "NextHop"), f"the gateway is not in the subnet {network}: give an address that is"
            )
        elif network.version == _IPV4 and network.num_addresses > 2 and gateway == network.network_address:
            look.warning(
                ("Routes", index, "NextHop"),
                f"this is the address of the network itself: give the gateway's, such as {gateway + 1}",
            )


@rule("Route", "SDNRoutePolicySetting", "RemoteSubnetRoutePolicySetting",
      fact="hcsshim and WSL send a prefix; HCN has the code HCN_E_INVALID_PREFIX")  # fmt: skip
def route_leads_to_a_prefix(look: Look, route: dict[str, Any]) -> None:
    """The destination of a route is a network with its length."""
    text = route.get("DestinationPrefix")
    if text and prefix(text) is None:
        look.error("DestinationPrefix", "a network with its length is expected, as in 0.0.0.0/0 or 10.0.0.0/8")


@rule("Route", "SDNRoutePolicySetting", fact="hcsshim sends an IP address; HCN has the code HCN_E_INVALID_IP")
def next_hop_is_an_address(look: Look, route: dict[str, Any]) -> None:
    """A next hop is an IP address."""
    text = route.get("NextHop")
    if text and address(text) is None:
        look.error("NextHop", _ADDRESS_EXPECTED)


@rule(
    "MacRange",
    "HostComputeEndpoint",
    "DrMacAddressNetworkPolicySetting",
    "SourceMacAddressNetworkPolicySetting",
    "RemoteSubnetRoutePolicySetting",
    fact="hcsshim and WSL send 00-15-5D-52-C0-00; HCN has the code HCN_E_ADDR_INVALID_OR_RESERVED",
)
def addresses_of_cards_are_written_with_dashes(look: Look, object: dict[str, Any]) -> None:
    """A MAC address is one, and is written with dashes."""
    for member in (
        "MacAddress", "StartMacAddress", "EndMacAddress", "Address", "SourceMacAddress", "DistributedRouterMacAddress",
    ):  # fmt: skip
        text = object.get(member)
        if not text:
            continue
        if mac(text) is None:
            look.error(member, "a MAC address is expected: six pairs of hexadecimal digits, as in 00-15-5D-52-C0-00")
        elif "-" not in text:
            look.warning(member, "HCN writes MAC addresses with dashes, as in 00-15-5D-52-C0-00: write it so")


@rule("MacRange", fact="a range has its start before its end")
def range_has_an_order(look: Look, addresses: dict[str, Any]) -> None:
    """A range of MAC addresses does not end before it starts."""
    start, end = mac(addresses.get("StartMacAddress", "")), mac(addresses.get("EndMacAddress", ""))
    if start is not None and end is not None and end < start:
        look.warning("EndMacAddress", "the range ends before it starts: swap the two addresses")


@rule("DNS", fact="hcsshim, WSL: servers are IP addresses")
def servers_are_addresses(look: Look, dns: dict[str, Any]) -> None:
    """DNS servers are given by IP address."""
    for index, server in enumerate(dns.get("ServerList", ())):
        if server and address(server) is None:
            look.warning(("ServerList", index), "give the IP address of the DNS server, not its name")


@rule("VlanPolicySetting", fact="IEEE 802.1Q: a VLAN ID has 12 bits")
def vlan_is_one(look: Look, setting: dict[str, Any]) -> None:
    """A VLAN ID is at most 4094."""
    if setting.get("IsolationId", 1) > _LARGEST_VLAN:
        look.warning("IsolationId", f"a VLAN ID is at most {_LARGEST_VLAN}: give a smaller one")


@rule("VsidPolicySetting", "RemoteSubnetRoutePolicySetting", fact="RFC 7348: a VXLAN segment ID has 24 bits")
def segment_is_one(look: Look, setting: dict[str, Any]) -> None:
    """A VXLAN segment ID is at most 16,777,215."""
    if setting.get("IsolationId", 1) > _LARGEST_VSID:
        look.warning("IsolationId", f"a VXLAN segment ID is at most {_LARGEST_VSID}: give a smaller one")


# --- policies ---------------------------------------------------------------------------------------------------------


def _settings(look: Look, policy: dict[str, Any], types: dict[str, str]) -> None:
    kind = policy.get("Type")
    if kind is None:
        look.warning("Type", "the type says what the Settings are: add it")
        return
    type = types.get(kind)
    if type is None:
        return
    if "Settings" in policy:
        look.check("Settings", type)
    elif kind not in _WITHOUT_SETTINGS and not _taken_away(look):
        advice = "move what is beside its Type into them" if len(policy) > 1 else f"add those of {type}"
        look.warning("Settings", f"a policy of the Type {kind} does nothing without Settings: {advice}")


def _taken_away(look: Look) -> bool:
    request = look.of("ModifyEndpointSettingRequest") or look.of("ModifyNetworkSettingRequest")
    return request is not None and request.get("RequestType") == "Remove"


@rule("EndpointPolicy", fact=_POLICY_FACT)
def settings_of_an_endpoint_policy(look: Look, policy: dict[str, Any]) -> None:
    """A policy has a type, and settings of that type."""
    _settings(look, policy, _ENDPOINT_POLICIES)


@rule("NetworkPolicy", fact=_POLICY_FACT)
def settings_of_a_network_policy(look: Look, policy: dict[str, Any]) -> None:
    """A policy has a type, and settings of that type."""
    _settings(look, policy, _NETWORK_POLICIES)


@rule("SubnetPolicy", fact=_POLICY_FACT)
def settings_of_a_subnet_policy(look: Look, policy: dict[str, Any]) -> None:
    """A policy has a type, and settings of that type."""
    _settings(look, policy, _SUBNET_POLICIES)


@rule("PrioritizedAuthenticationMethod", fact="Microsoft's HNS schema, AuthenticationType")
def settings_of_an_authentication(look: Look, method: dict[str, Any]) -> None:
    """A method has a type, and settings of that type."""
    _settings(look, method, _AUTHENTICATIONS)


@rule("PortMappingPolicySetting", fact="hcsshim, WSL: mappings of TCP (6) and UDP (17)")
def mapped_protocol_has_ports(look: Look, mapping: dict[str, Any]) -> None:
    """The protocol of a port mapping is TCP or UDP."""
    protocol = mapping.get("Protocol")
    if isinstance(protocol, int) and protocol not in (_TCP, _UDP):
        look.warning("Protocol", f"only TCP ({_TCP}) and UDP ({_UDP}) have ports: give one of them")


@rule(
    "PortMappingPolicySetting",
    "LoadBalancerPortMapping",
    fact="hcsshim sends it; HCN has the code HCN_E_INVALID_INTERNAL_PORT",
)
def mapping_leads_to_a_port(look: Look, mapping: dict[str, Any]) -> None:
    """A port mapping leads to a port."""
    if not mapping.get("InternalPort"):
        look.warning("InternalPort", f"give the port that the endpoint listens on, from 1 to {_LARGEST_PORT}")


@rule("HostComputeEndpoint", fact="hcsshim, hcnerrors_test.go: HCN_E_PORT_ALREADY_EXISTS")
def mapped_ports_are_different(look: Look, endpoint: dict[str, Any]) -> None:
    """A port of the host is mapped once."""
    seen: set[tuple[object, ...]] = set()
    for index, policy in enumerate(endpoint.get("Policies", ())):
        settings = members(policy.get("Settings"))
        port: object = settings.get("ExternalPort")
        if policy.get("Type") != "PortMapping" or not isinstance(port, int) or not port:
            continue
        protocol: object = settings.get("Protocol")
        if isinstance(protocol, str):
            protocol = _PROTOCOLS.get(protocol)
        mapped = (port, protocol if isinstance(protocol, int) else None, look.text(settings, "VIP"))
        if mapped in seen:
            look.error(
                ("Policies", index, "Settings", "ExternalPort"),
                "this port is mapped above already, and HCN refuses it a second time: choose another",
            )
        seen.add(mapped)


@rule("HostComputeEndpoint", fact="hcsshim, HostComputeNetwork.CreateEndpoint: it sends it with each endpoint")
def endpoint_has_a_network(look: Look, endpoint: dict[str, Any]) -> None:
    """An endpoint names its network."""
    if not endpoint.get("HostComputeNetwork") and "VirtualNetwork" not in endpoint:
        look.warning("HostComputeNetwork", "every known client gives the id of the endpoint's network: add it")


@rule("HostComputeEndpoint", fact="hcsshim, HostComputeEndpoint.HostComputeNamespace: read only")
def endpoint_is_attached_later(look: Look, endpoint: dict[str, Any]) -> None:
    """An endpoint is not created in a namespace."""
    if endpoint.get("HostComputeNamespace"):
        look.ignored(
            "HostComputeNamespace", "HCN only reports it; add the endpoint with a ModifyNamespaceSettingRequest"
        )


@rule("IpConfig", fact="hcsshim, IpConfig: an address, and its length beside it; HCN has the code HCN_E_INVALID_IP")
def configuration_is_an_address(look: Look, configuration: dict[str, Any]) -> None:
    """An address is an IP address, and its length fits it."""
    text = configuration.get("IpAddress")
    if not text:
        return
    parsed = address(text)
    if parsed is None:
        advice = ": move the length to PrefixLength" if prefix(text) else ", as in 192.168.100.7"
        look.error("IpAddress", f"an IP address without a prefix length is expected{advice}")
    elif configuration.get("PrefixLength", 0) > _BITS[parsed.version]:
        look.error("PrefixLength", f"the length for an IPv{parsed.version} address is at most {_BITS[parsed.version]}")


_TUPLES = ("AclPolicySetting", "NetworkAclPolicySetting", "CommonAclPolicySetting", "FiveTuple", "TierAclRule")


@rule(*_TUPLES, fact='hcsshim, hcn/hcnpolicy.go: a text of numbers, "6,17"')
def protocols_are_numbers(look: Look, tuple: dict[str, Any]) -> None:
    """Protocols of an access list are the text of numbers."""
    text = tuple.get("Protocols")
    if text and not numbers(text, _LARGEST_PROTOCOL):
        look.warning(
            "Protocols", 'numbers of protocols with commas between them are expected, as in "6,17" for TCP and UDP'
        )


@rule(*_TUPLES, fact='hcsshim, hcn tests: a text of ports, "80,443" or "8000-8080"')
def ports_are_numbers(look: Look, tuple: dict[str, Any]) -> None:
    """Ports of an access list are the text of numbers."""
    for member in ("LocalPorts", "RemotePorts"):
        text = tuple.get(member)
        if text and text != "*" and not numbers(text, _LARGEST_PORT):
            look.warning(member, 'ports with commas between them are expected, as in "80,443" or "8000-8080"')


@rule(*_TUPLES, fact='hcsshim, hcn tests: a text of addresses, "192.168.100.0/24,10.0.0.21"')
def places_are_addresses(look: Look, tuple: dict[str, Any]) -> None:
    """Addresses of an access list are the text of addresses and networks."""
    for member in ("LocalAddresses", "RemoteAddresses"):
        text = tuple.get(member)
        if text and text != "*" and not addresses(text):
            look.warning(member, 'addresses with commas between them are expected, as in "192.168.100.0/24,10.0.0.21"')


@rule("AclPolicySetting", "NetworkAclPolicySetting", fact="hcsshim, AclPolicySetting: it sends both in each rule")
def access_rule_is_complete(look: Look, setting: dict[str, Any]) -> None:
    """An access list has an Action and a Direction."""
    for member, values in (("Action", '"Allow" or "Block"'), ("Direction", '"In" or "Out"')):
        if member not in setting:
            look.warning(member, f"Microsoft's client gives it in each rule: {values}")


@rule("L4ProxyPolicySetting", "L4ProxyPolicySetting_2", "CommonL4ProxyPolicySetting",
      fact="hcsshim, L4ProxyPolicySetting; Microsoft's HNS schema has other names")  # fmt: skip
def proxy_has_one_name_each(look: Look, setting: dict[str, Any]) -> None:
    """Members of a proxy have the names that Microsoft's client gives them."""
    for old, new in (("ExceptionList", "Exceptions"), ("OutboundNat", "OutboundNAT")):
        if old in setting:
            look.warning(old, f"Microsoft's client calls this {new}: use that name")


@rule("L4ProxyPolicySetting", "L4ProxyPolicySetting_2", "CommonL4ProxyPolicySetting", "L4WfpProxyPolicySetting",
      fact="hcsshim, L4ProxyPolicySetting and L4WfpProxyPolicySetting: a number as a text")  # fmt: skip
def proxy_has_a_port(look: Look, setting: dict[str, Any]) -> None:
    """The port of a proxy is the text of one number."""
    for member in ("Port", "InboundProxyPort", "OutboundProxyPort"):
        text = setting.get(member)
        if text and not ("," not in text and "-" not in text and numbers(text, _LARGEST_PORT)):
            look.warning(member, 'the number of one port is expected, as the text "15001"')


@rule("OutboundNatPolicySetting", fact="hcsshim, OutboundNatPolicySetting: texts of addresses and prefixes")
def exceptions_are_addresses(look: Look, setting: dict[str, Any]) -> None:
    """What is not translated is an address or a network."""
    for member in ("Exceptions", "Destinations"):
        for index, text in enumerate(setting.get(member, ())):
            if not addresses(text):
                look.warning((member, index), "an address, or a network with its length, is expected, as in 10.0.0.0/8")


# --- changes ----------------------------------------------------------------------------------------------------------


def _request_of(struct: str) -> None:
    types = _REQUESTS[struct]

    @rule(struct, fact="Microsoft's HNS schema; hcsshim, hcn: the settings of each resource")
    def settings_are_those_of_the_resource(look: Look, request: dict[str, Any]) -> None:
        """A request has a ResourceType, and settings of that type."""
        kind = request.get("ResourceType")
        if kind is None:
            look.error("ResourceType", f"say what to change: {', '.join(types)}")
            return
        type = types.get(kind)
        if type is not None:
            look.check("Settings", type)

    @rule(struct, fact="hcsshim, hcn: it sends it with each request")
    def request_says_what_to_do(look: Look, request: dict[str, Any]) -> None:
        """A request has a RequestType."""
        if "RequestType" not in request:
            look.warning("RequestType", 'every known client says what to do: "Add", "Remove" or "Update"')


for _struct in _REQUESTS:
    _request_of(_struct)


@rule("PolicyEndpointRequest", fact="hcsctl: HCN takes it and does nothing (measured on Windows 11, not on Server)")
def some_policies_come_with_the_endpoint(look: Look, request: dict[str, Any]) -> None:
    """Port mappings and access lists are not added to an endpoint that is there."""
    change = look.of("ModifyEndpointSettingRequest")
    if change is None or change.get("RequestType") == "Remove":
        return
    for index, policy in enumerate(request.get("Policies", ())):
        if policy.get("Type") == "PortMapping":
            look.ignored(("Policies", index), "a port is mapped only by the document that the endpoint is created with")
        elif policy.get("Type") == "ACL":
            look.warning(
                ("Policies", index),
                "on Windows 11 an access list has no effect unless the endpoint is created with it: "
                "create the endpoint with it",
            )


@rule(
    "HostComputeNamespace", fact="ZLayer: there is one, create returns it, and a container with it fails at Construct"
)
def default_namespace_is_not_for_containers(look: Look, namespace: dict[str, Any]) -> None:
    """A namespace is not the default one of the host."""
    if namespace.get("Type") == "HostDefault":
        look.warning(
            "Type", 'HostDefault is the namespace of the host itself, and no container can be in it: give "Host"'
        )


@rule("NamespaceResource", fact="hcsshim, hcn/hcnnamespace.go: the Data of each resource")
def resource_has_its_data(look: Look, resource: dict[str, Any]) -> None:
    """A resource of a namespace has its Data."""
    if "Type" in resource and "Data" not in resource:
        look.warning("Data", "a resource is named by its id here: add it")


@rule("HostComputeRoute", fact="hcsshim, hcn/hcnroute.go: Setting; Microsoft's HNS schema: Routes")
def route_has_settings(look: Look, route: dict[str, Any]) -> None:
    """The routes are in Setting."""
    if "Routes" in route and "Setting" in route:
        look.warning("Routes", "this and Setting are two names for one member: leave this one out")
    elif "Routes" in route:
        look.warning("Routes", "Microsoft's client calls this Setting: use that name")


@rule("HostComputeLoadBalancer", "HostComputeRoute", fact="hcsshim, hcn: it sends the endpoints with each")
def there_are_endpoints(look: Look, object: dict[str, Any]) -> None:
    """A load balancer, or a route, has endpoints."""
    if not object.get("HostComputeEndpoints"):
        look.warning("HostComputeEndpoints", "there are no endpoints here: give the ids of those that this is for")


@rule("HostComputeLoadBalancer", fact="hcsshim sends IP addresses; HCN has the code HCN_E_INVALID_IP")
def virtual_addresses_are_addresses(look: Look, balancer: dict[str, Any]) -> None:
    """The addresses of a load balancer are IP addresses."""
    if balancer.get("SourceVIP") and address(balancer["SourceVIP"]) is None:
        look.error("SourceVIP", _ADDRESS_EXPECTED)
    for index, text in enumerate(balancer.get("FrontendVIPs", ())):
        if text and address(text) is None:
            look.error(("FrontendVIPs", index), _ADDRESS_EXPECTED)
