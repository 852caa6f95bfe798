# `tools/documents.py write` makes this file.
"""Documents of the Host Compute Network service (HCN)."""

from typing import Any, Literal, TypeAlias, TypedDict

__all__ = [
    "DNS",
    "DNS_2",
    "AclPolicySetting",
    "ActionType",
    "AuthenticationCertificate",
    "AuthenticationMethod",
    "AuthenticationPresharedKey",
    "AuthenticationType",
    "AutomaticDNSNetworkPolicySetting",
    "Base",
    "BasePolicy",
    "CommonAclPolicySetting",
    "CommonL4ProxyPolicySetting",
    "DirectionType",
    "DrMacAddressNetworkPolicySetting",
    "EncapOverheadEndpointPolicySetting",
    "EncryptionMethod",
    "EncryptionPolicySetting",
    "EndpointAdditionalParams",
    "EndpointFlags",
    "EndpointPolicy",
    "EndpointPolicyType",
    "EndpointResourceType",
    "EntityFlags",
    "Extension",
    "ExtraParams",
    "Feature",
    "FirewallPolicyFlags",
    "FirewallPolicySetting",
    "FirewallVMType",
    "FiveTuple",
    "FiveTuple_2",
    "GuestEndpoint",
    "GuestEndpointResourceType",
    "GuestEndpointState",
    "GuestFirewall",
    "GuestNamespace",
    "GuestNamespaceResourceType",
    "GuestNetworkService",
    "GuestNetworkServiceFlags",
    "GuestNetworkServiceInterface",
    "GuestNetworkServiceInterfaceState",
    "GuestNetworkServiceNotificationData",
    "GuestNetworkServiceNotificationType",
    "GuestNetworkServiceResourceType",
    "GuestNetworkServiceState",
    "GuestNetworkServiceStateRequest",
    "GuestResourceType",
    "GuestService",
    "HcnGuestModifySettingRequest",
    "HcnMacAddress",
    "HcnModifyRequestType",
    "HcnModifySettingRequest",
    "HcnRegistryKey",
    "HcnVersion",
    "Health",
    "HostComputeEndpoint",
    "HostComputeLoadBalancer",
    "HostComputeNamespace",
    "HostComputeNetwork",
    "HostComputePolicyList",
    "HostComputeQuery",
    "HostComputeQueryFlags",
    "HostComputeRoute",
    "HostResourceType",
    "HostRoutePolicySetting",
    "IPAddress",
    "IPSubnetFlags",
    "IPSubnetNetworkRequest",
    "InterfaceConstraintEndpointPolicySetting",
    "InterfaceConstraintNetworkPolicySetting",
    "InterfaceNotificationMessage",
    "InterfaceParametersPolicySetting",
    "IovInterruptModerationType",
    "IovPolicySetting",
    "IpConfig",
    "IpSubnet",
    "Ipam",
    "IpamType",
    "L4ProxyPolicySetting",
    "L4ProxyPolicySetting_2",
    "L4WfpProxyPolicySetting",
    "LayerConstraintNetworkPolicySetting",
    "LoadBalancerDistribution",
    "LoadBalancerFlags",
    "LoadBalancerPortMapping",
    "LoadBalancerPortMappingFlags",
    "MacPool",
    "MacRange",
    "ModifyEndpointSettingRequest",
    "ModifyGuestEndpointSettingRequest",
    "ModifyGuestNamespaceSettingRequest",
    "ModifyGuestNetworkServiceSettingRequest",
    "ModifyNamespaceSettingRequest",
    "ModifyNamespaceSettingResponse",
    "ModifyNetworkSettingRequest",
    "ModifySettingResponse",
    "NamespaceContainerRequest",
    "NamespaceEndpointRequest",
    "NamespaceResource",
    "NamespaceResourceContainer",
    "NamespaceResourceEndpoint",
    "NamespaceResourceType",
    "NamespaceResource_2",
    "NamespaceType",
    "NatFlags",
    "Neighbor",
    "NetAdapterNameNetworkPolicySetting",
    "NetworkAclPolicySetting",
    "NetworkAdditionalParams",
    "NetworkFlags",
    "NetworkInterface",
    "NetworkMode",
    "NetworkPolicy",
    "NetworkPolicyType",
    "NetworkResourceType",
    "NotificationBase",
    "OutboundNatPolicySetting",
    "PolicyEndpointRequest",
    "PolicyNetworkRequest",
    "PortMappingPolicySetting",
    "PortnameEndpointPolicySetting",
    "PrioritizedAuthenticationMethod",
    "ProtocolType",
    "ProviderAddressEndpointPolicySetting",
    "ProviderAddressNetworkPolicySetting",
    "ProxyExceptions",
    "ProxyType",
    "QosPolicySetting",
    "RegKey",
    "RemoteSubnetRoutePolicySetting",
    "Response",
    "Route",
    "Route_2",
    "RpcConnectionInformation",
    "RpcEndpointType",
    "RuleType",
    "SDNRoutePolicySetting",
    "SetPolicySetting",
    "SetPolicyTypes",
    "SourceMacAddressNetworkPolicySetting",
    "Subnet",
    "SubnetFlags",
    "SubnetNetworkRequest",
    "SubnetPolicy",
    "SubnetPolicyType",
    "Telemetry",
    "TierAclPolicySetting",
    "TierAclRule",
    "VSwitchExtensionNetworkPolicySetting",
    "VlanPolicySetting",
    "VmEndpointRequest",
    "VsidPolicySetting",
    "VxlanPortPolicySetting",
    "Xlat",
]

ActionType: TypeAlias = Literal["Allow", "Block", "Pass"]
"""What a firewall rule does with traffic that matches.

* `Pass`: Neither allows nor blocks the traffic; for `TierAclRule`.
"""

AuthenticationType: TypeAlias = Literal["PresharedKey", "Certificate"]
"""How the two ends of encrypted traffic authenticate."""

DirectionType: TypeAlias = Literal["In", "Out"]
"""Direction of traffic, as the endpoint sees it.

* `In`: Traffic toward the endpoint.
* `Out`: Traffic from the endpoint.
"""

EncryptionMethod: TypeAlias = Literal["Ipsec"]
"""How traffic is encrypted."""

EndpointFlags: TypeAlias = Literal[
    "None",
    "RemoteEndpoint",
    "DisableInterComputeCommunication",
    "EnableMirroring",
    "EnableLowInterfaceMetric",
    "OverrideDNSServerOrder",
    "EnableDhcp",
]
"""Options of an endpoint, on the wire the sum of their numbers.

* `None`: 0 on the wire.
* `RemoteEndpoint`: 1 on the wire; the endpoint is on another host.
* `DisableInterComputeCommunication`: 2 on the wire; keeps the endpoint's compute system and others on the network from
  reaching each other.
* `EnableMirroring`: 4 on the wire.
* `EnableLowInterfaceMetric`: 8 on the wire; gives the interface a low metric, so that it is preferred.
* `OverrideDNSServerOrder`: 16 on the wire.
* `EnableDhcp`: 32 on the wire.
"""

EndpointPolicyType: TypeAlias = Literal[
    "PortMapping",
    "ACL",
    "QOS",
    "L2Driver",
    "OutBoundNAT",
    "SDNRoute",
    "L4Proxy",
    "L4WFPPROXY",
    "ProviderAddress",
    "PortName",
    "EncapOverhead",
    "InterfaceConstraint",
    "Encryption",
    "VLAN",
    "InterfaceParameters",
    "Iov",
    "TierAcl",
]
"""Type of an endpoint policy.

* `PortMapping`: Settings are a `PortMappingPolicySetting`.
* `ACL`: Settings are an `AclPolicySetting`.
* `QOS`: Settings are a `QosPolicySetting`.
* `OutBoundNAT`: Settings are an `OutboundNatPolicySetting`.
* `SDNRoute`: Settings are an `SDNRoutePolicySetting`.
* `L4Proxy`: Settings are an `L4ProxyPolicySetting`.
* `L4WFPPROXY`: Settings are an `L4WfpProxyPolicySetting`.
* `ProviderAddress`: Settings are a `ProviderAddressEndpointPolicySetting`.
* `PortName`: Settings are a `PortnameEndpointPolicySetting`.
* `EncapOverhead`: Settings are an `EncapOverheadEndpointPolicySetting`.
* `InterfaceConstraint`: Settings are an `InterfaceConstraintEndpointPolicySetting`.
* `Encryption`: Settings are an `EncryptionPolicySetting`.
* `VLAN`: Settings are a `VlanPolicySetting`.
* `InterfaceParameters`: Settings are an `InterfaceParametersPolicySetting`.
* `Iov`: Settings are an `IovPolicySetting`.
* `TierAcl`: Settings are a `TierAclPolicySetting`.
"""

EndpointResourceType: TypeAlias = Literal["Port", "Policy"]
"""Part of an endpoint that a request changes.

* `Policy`: The policies; settings are a `PolicyEndpointRequest`.
"""

EntityFlags: TypeAlias = Literal["None", "EnableNonPersistent"]
"""Options of an HCN object.

* `EnableNonPersistent`: The object does not outlive a restart of the host.
"""

FirewallPolicyFlags: TypeAlias = Literal["None", "ConstrainedInterface"]
"""Options of a firewall policy."""

FirewallVMType: TypeAlias = Literal["Invalid", "Host", "WSA", "WSL"]
"""Kind of guest a firewall policy is for.

* `WSA`: Windows Subsystem for Android.
* `WSL`: Windows Subsystem for Linux.
"""

GuestEndpointResourceType: TypeAlias = Literal[
    "Interface",
    "Route",
    "IPAddress",
    "DNS",
    "RegistryKey",
    "Encryption",
    "MacAddress",
    "L4Proxy",
    "L4WFPPROXY",
    "Xlat",
    "Neighbor",
]
"""Part of an endpoint inside a guest that a request changes.

* `Interface`: Settings are a `NetworkInterface`.
* `Route`: Settings are a `Route_2`.
* `IPAddress`: Settings are an `IPAddress`.
* `DNS`: Settings are a `DNS_2`.
* `RegistryKey`: Settings are an `HcnRegistryKey`.
* `MacAddress`: Settings are an `HcnMacAddress`.
* `Xlat`: Settings are an `Xlat`.
* `Neighbor`: Settings are a `Neighbor`.
"""

GuestNamespaceResourceType: TypeAlias = Literal["Container", "Endpoint"]
"""Kind of resource that a request changes in a namespace inside a guest."""

GuestNetworkServiceFlags: TypeAlias = Literal["None", "IsFlowsteered", "IsFlowsteeredSelfManaged"]
"""Options of a guest network service; in Microsoft's WSL, `IsFlowsteered` is 1 and `IsFlowsteeredSelfManaged` is 2."""

GuestNetworkServiceInterfaceState: TypeAlias = Literal[
    "Created",
    "Bootstrapping",
    "Synchronized",
    "Desynchronized",
    "Paused",
]
"""How far an interface has been synchronized with the guest."""

GuestNetworkServiceNotificationType: TypeAlias = Literal[
    "None",
    "DNSCacheParam",
    "DHCPParam",
    "InterfaceParam",
    "AddressParam",
    "Route",
    "DNSParam",
    "XlatParam",
    "Neighbor",
]
"""Kind of notification for an interface that a guest network service looks after."""

GuestNetworkServiceResourceType: TypeAlias = Literal["State"]
"""Part of a guest network service that a request changes.

* `State`: Settings are a `GuestNetworkServiceStateRequest`.
"""

GuestNetworkServiceState: TypeAlias = Literal[
    "None",
    "Created",
    "Bootstrapping",
    "Synchronized",
    "Paused",
    "Desynchronized",
    "Rehydrating",
    "Degraded",
    "Destroyed",
]
"""State of a guest network service."""

GuestResourceType: TypeAlias = Literal["Endpoint", "Namespace", "Service", "Firewall"]
"""Kind of object in a guest that a request is about."""

HcnModifyRequestType: TypeAlias = Literal["Add", "Remove", "Update", "Refresh", "Reset"]
"""What a request does with a resource."""

HostComputeQueryFlags: TypeAlias = Literal["None", "Detailed"]
"""How much a query returns.

* `None`: The number 0 in Microsoft's client.
* `Detailed`: The number 1 in Microsoft's client.
"""

HostResourceType: TypeAlias = Literal["Network", "Endpoint", "Container", "Namespace", "PolicyList"]
"""Kind of HCN object on the host."""

IPSubnetFlags: TypeAlias = Literal["None", "EnableBroadcast", "ReserveNetworkAddress"]
"""Options of an IP subnet."""

IovInterruptModerationType: TypeAlias = Literal[
    "IovInterruptModerationDefault",
    "IovInterruptModerationAdaptive",
    "IovInterruptModerationOff",
    "IovInterruptModerationLow",
    "IovInterruptModerationMedium",
    "IovInterruptModerationHigh",
]
"""How SR-IOV hardware holds interrupts back to combine them."""

IpamType: TypeAlias = Literal["Static", "Dhcp"]
"""How addresses of a network are assigned.

* `Static`: HCN assigns them from the subnets.
* `Dhcp`: A DHCP server assigns them.
"""

LoadBalancerDistribution: TypeAlias = Literal["None", "SourceIPProtocol", "SourceIP"]
"""How a load balancer spreads connections.

* `None`: 0 on the wire; no session affinity.
* `SourceIPProtocol`: 1 on the wire; the same source address and protocol lead to the same endpoint.
* `SourceIP`: 2 on the wire; the same source address leads to the same endpoint.
"""

LoadBalancerFlags: TypeAlias = Literal["None", "EnableDirectServerReturn", "IPv6"]
"""Options of a load balancer, on the wire the sum of their numbers.

* `None`: 0 on the wire.
* `EnableDirectServerReturn`: 1 on the wire; answers go to the client directly (DSR).
* `IPv6`: 2 on the wire.
"""

LoadBalancerPortMappingFlags: TypeAlias = Literal[
    "None",
    "EnableInternalLoadBalancer",
    "LocalRoutedVip",
    "NotUsed",
    "EnablePreserveDip",
]
"""Options of a load balancer port, on the wire the sum of their numbers.

* `None`: 0 on the wire.
* `EnableInternalLoadBalancer`: 1 on the wire; the load balancer is internal (ILB).
* `LocalRoutedVip`: 2 on the wire.
* `NotUsed`: 4 on the wire; Microsoft's client calls it `UseMux`.
* `EnablePreserveDip`: 8 on the wire; keeps the address of the endpoint (DIP).
"""

NamespaceResourceType: TypeAlias = Literal["Container", "Endpoint"]
"""Kind of resource in a namespace.

* `Container`: Data is a `NamespaceResourceContainer`.
* `Endpoint`: Data is a `NamespaceResourceEndpoint`.
"""

NamespaceType: TypeAlias = Literal["Host", "HostDefault", "Guest", "GuestDefault"]
"""Kind of namespace.

* `Host`: Namespace on the host, one per container.
* `HostDefault`: Default namespace of the host; there is only one, and no container can be in it.
* `Guest`: Namespace inside a guest.
* `GuestDefault`: Default namespace inside a guest.
"""

NatFlags: TypeAlias = Literal["None", "LocalRoutedVip", "IPv6"]
"""Options of address translation, on the wire the sum of their numbers.

* `None`: 0 on the wire.
* `LocalRoutedVip`: 1 on the wire.
* `IPv6`: 2 on the wire.
"""

NetworkFlags: TypeAlias = Literal[
    "None",
    "EnableDnsProxy",
    "EnableDhcpServer",
    "EnableMirroring",
    "EnableNonPersistent",
    "EnablePersistent",
    "IsolateVSwitch",
    "EnableFlowSteering",
    "DisableSharing",
    "EnableFirewall",
]
"""Options of a network, on the wire the sum of their numbers. Microsoft's WSL knows more: 512
`SuppressMediaDisconnect`, 1024 `DisableHostPort`, 2048 `WeakHostReceiveAdapter`, 4096 `WeakHostSendAdapter` and 8192
`EnableIov`.

* `None`: 0 on the wire.
* `EnableDnsProxy`: 1 on the wire.
* `EnableDhcpServer`: 2 on the wire.
* `EnableMirroring`: 4 on the wire.
* `EnableNonPersistent`: 8 on the wire; the network does not outlive a restart of the host.
* `EnablePersistent`: 16 on the wire; the network outlives a restart of the host.
* `IsolateVSwitch`: 32 on the wire; the network gets a virtual switch of its own.
* `EnableFlowSteering`: 64 on the wire.
* `DisableSharing`: 128 on the wire.
* `EnableFirewall`: 256 on the wire.
"""

NetworkMode: TypeAlias = Literal[
    "NAT",
    "ICS",
    "Transparent",
    "L2Bridge",
    "L2Tunnel",
    "Overlay",
    "Private",
    "Internal",
    "Mirrored",
    "Infiniband",
    "ConstrainedICS",
]
"""Type of a network.

* `NAT`: The host translates addresses (NAT). HCN gives each endpoint an address, but has no DHCP server to deliver it
  to a virtual machine.
* `ICS`: Internet Connection Sharing, as in the Default Switch; the guest gets its address by DHCP only.
* `Transparent`: Endpoints are directly on the physical network.
* `L2Bridge`: Endpoints share the physical network and the host's MAC address there.
* `Overlay`: Endpoints of several hosts share a network tunneled over the physical one (VXLAN).
* `Private`: Endpoints reach only each other.
* `Internal`: Endpoints reach each other and the host.
* `Mirrored`: The guest has the interfaces of the host.
* `ConstrainedICS`: Internet Connection Sharing with restrictions.
"""

NetworkPolicyType: TypeAlias = Literal[
    "SourceMacAddress",
    "NetAdapterName",
    "InterfaceConstraint",
    "VSwitchExtension",
    "ProviderAddress",
    "DrMacAddress",
    "AutomaticDNS",
    "RemoteSubnetRoute",
    "VxlanPort",
    "HostRoute",
    "SetPolicy",
    "L4Proxy",
    "LayerConstraint",
    "NetworkACL",
]
"""Type of a network policy.

* `SourceMacAddress`: Settings are a `SourceMacAddressNetworkPolicySetting`.
* `NetAdapterName`: Settings are a `NetAdapterNameNetworkPolicySetting`.
* `InterfaceConstraint`: Settings are an `InterfaceConstraintNetworkPolicySetting`.
* `VSwitchExtension`: Settings are a `VSwitchExtensionNetworkPolicySetting`.
* `ProviderAddress`: Settings are a `ProviderAddressNetworkPolicySetting`.
* `DrMacAddress`: Settings are a `DrMacAddressNetworkPolicySetting`.
* `AutomaticDNS`: Settings are an `AutomaticDNSNetworkPolicySetting`.
* `RemoteSubnetRoute`: Settings are a `RemoteSubnetRoutePolicySetting`.
* `VxlanPort`: Settings are a `VxlanPortPolicySetting`.
* `HostRoute`: Settings are a `HostRoutePolicySetting`, an empty object.
* `SetPolicy`: Settings are a `SetPolicySetting`.
* `L4Proxy`: Settings are an `L4ProxyPolicySetting`.
* `LayerConstraint`: Settings are a `LayerConstraintNetworkPolicySetting`.
* `NetworkACL`: Settings are a `NetworkAclPolicySetting`.
"""

NetworkResourceType: TypeAlias = Literal["DNS", "Extension", "Policy", "Subnet", "IPSubnet"]
"""Part of a network that a request changes.

* `Policy`: The policies; settings are a `PolicyNetworkRequest`.
* `Subnet`: Subnets; settings are a `SubnetNetworkRequest`.
* `IPSubnet`: IP subnets; settings are an `IPSubnetNetworkRequest`.
"""

ProtocolType: TypeAlias = Literal["Unknown", "ICMPv4", "IGMP", "TCP", "UDP", "ICMPv6"]
"""IP protocol, on the wire its number.

* `ICMPv4`: 1 on the wire.
* `IGMP`: 2 on the wire.
* `TCP`: 6 on the wire.
* `UDP`: 17 on the wire.
* `ICMPv6`: 58 on the wire.
"""

ProxyType: TypeAlias = Literal["VFP", "WFP"]
"""What redirects the traffic to a proxy.

* `VFP`: Virtual Filtering Platform, in the virtual switch.
* `WFP`: Windows Filtering Platform, in the host's network stack.
"""

RpcEndpointType: TypeAlias = Literal["HvSocket", "LRpc"]
"""Transport of an RPC connection.

* `HvSocket`: Hyper-V socket between host and guest.
* `LRpc`: Local RPC within one machine.
"""

RuleType: TypeAlias = Literal["Host", "Switch"]
"""Where a firewall rule is enforced.

* `Host`: In the host's firewall, by the Windows Filtering Platform.
* `Switch`: In the virtual switch, by the Virtual Filtering Platform.
"""

SetPolicyTypes: TypeAlias = Literal["IPSET", "NESTEDIPSET"]
"""Kind of set in a `SetPolicySetting`.

* `IPSET`: Set of IP addresses.
* `NESTEDIPSET`: Set of other IP sets.
"""

SubnetFlags: TypeAlias = Literal["None", "DoNotReserveGatewayAddress"]
"""Options of a subnet, on the wire the sum of their numbers.

* `None`: 0 on the wire.
* `DoNotReserveGatewayAddress`: 1 on the wire; the gateway's address may be given to an endpoint.
"""

SubnetPolicyType: TypeAlias = Literal["VLAN", "VSID"]
"""Type of a subnet policy.

* `VLAN`: Settings are a `VlanPolicySetting`.
* `VSID`: Settings are a `VsidPolicySetting`.
"""


class AclPolicySetting(TypedDict, total=False):
    """Settings of an endpoint policy of type `ACL`: one firewall rule. HCN may store a rule without enforcing it; seen
    on Windows 11 with Hyper-V isolation on a `NAT` network, and for a rule added after the endpoint was created.
    """

    Protocols: str
    """Protocol numbers separated by commas, such as `6,17` for TCP and UDP.

    HCN schema 2.5.
    """

    LocalAddresses: str
    """Local addresses or prefixes to match, separated by commas, such as `192.168.100.0/24,10.0.0.21`.

    HCN schema 2.5.
    """

    RemoteAddresses: str
    """Remote addresses or prefixes to match, separated by commas, such as `192.168.100.0/24,10.0.0.21`.

    HCN schema 2.5.
    """

    LocalPorts: str
    """Local port numbers to match, separated by commas, such as `80,8080`.

    HCN schema 2.5.
    """

    RemotePorts: str
    """Remote port numbers to match, separated by commas, such as `80,8080`.

    HCN schema 2.5.
    """

    Priority: int
    """Priority among the rules.

    HCN schema 2.5.
    """

    Id: str
    """Id of the rule.

    HCN schema 2.0.
    """

    Action: ActionType
    """What happens to traffic that matches.

    HCN schema 2.0.
    """

    Direction: DirectionType
    """Direction of the traffic the rule looks at, as the endpoint sees it.

    HCN schema 2.0.
    """

    RuleType: RuleType
    """Where the rule is enforced: in the host's firewall or in the virtual switch.

    HCN schema 2.0.
    """


class AuthenticationCertificate(TypedDict, total=False):
    """Settings for authentication by certificate, type `Certificate`."""

    CertificateName: str
    """Name of the certificate.

    HCN schema 2.1.
    """


class AuthenticationMethod(TypedDict, total=False):
    """Common base of the authentication methods, without members of its own."""


class AuthenticationPresharedKey(TypedDict, total=False):
    """Settings for authentication by a key that both ends know, type `PresharedKey`."""

    Key: str
    """The shared key, a secret.

    HCN schema 2.1.
    """


class AutomaticDNSNetworkPolicySetting(TypedDict, total=False):
    """Settings of a network policy of type `AutomaticDNS`."""

    Enable: bool
    """Whether DNS is configured automatically on the network.

    HCN schema 2.0.
    """


class HcnVersion(TypedDict, total=False):
    """Version of the HCN schema."""

    Major: int
    """Number before the dot, which is 2.

    HCN schema 2.0.
    """

    Minor: int
    """Number after the dot.

    HCN schema 2.0.
    """


class Telemetry(TypedDict, total=False):
    """Telemetry of an HCN object."""

    Data: Any
    """Telemetry data, in a form of its own.

    HCN schema 2.0.
    """


class CommonAclPolicySetting(TypedDict, total=False):
    """Members shared by the ACL rules of endpoints and of networks."""

    Protocols: str
    """Protocol numbers separated by commas, such as `6,17` for TCP and UDP.

    HCN schema 2.5.
    """

    LocalAddresses: str
    """Local addresses or prefixes to match, separated by commas, such as `192.168.100.0/24,10.0.0.21`.

    HCN schema 2.5.
    """

    RemoteAddresses: str
    """Remote addresses or prefixes to match, separated by commas, such as `192.168.100.0/24,10.0.0.21`.

    HCN schema 2.5.
    """

    LocalPorts: str
    """Local port numbers to match, separated by commas, such as `80,8080`.

    HCN schema 2.5.
    """

    RemotePorts: str
    """Remote port numbers to match, separated by commas, such as `80,8080`.

    HCN schema 2.5.
    """

    Priority: int
    """Priority among the rules.

    HCN schema 2.5.
    """

    Id: str
    """Id of the rule.

    HCN schema 2.0.
    """

    Action: ActionType
    """What happens to traffic that matches.

    HCN schema 2.0.
    """

    Direction: DirectionType
    """Direction of the traffic the rule looks at, as the endpoint sees it.

    HCN schema 2.0.
    """

    RuleType: RuleType
    """Where the rule is enforced: in the host's firewall or in the virtual switch.

    HCN schema 2.0.
    """


class CommonL4ProxyPolicySetting(TypedDict, total=False):
    """Members shared by the layer 4 proxy policies of endpoints and of networks."""

    IP: str
    """Destination IP address of the traffic to redirect.

    HCN schema 2.0.
    """

    Port: str
    """Destination port number of the traffic to redirect, as text.

    HCN schema 2.0.
    """

    Protocol: int | ProtocolType
    """Transport protocol as a number, 6 for TCP or 17 for UDP.

    HCN schema 2.0.
    """

    ExceptionList: list[str]
    """Addresses that bypass the proxy; Microsoft's client calls this member `Exceptions`.

    HCN schema 2.0.
    """

    Destination: str
    """Where the traffic is redirected to, as address and port, such as `10.0.0.4:15001`.

    HCN schema 2.0.
    """

    OutboundNat: bool
    """Whether outbound traffic is translated (NAT); Microsoft's client spells this member `OutboundNAT`.

    HCN schema 2.0.
    """

    Exceptions: list[str]
    """Addresses that bypass the proxy, under the name of Microsoft's client; the schema has `ExceptionList`.

    In no published schema.
    """

    OutboundNAT: bool
    """Whether outbound traffic is translated, in the spelling of Microsoft's client; the schema has `OutboundNat`.

    In no published schema.
    """


class DNS(TypedDict, total=False):
    """DNS settings of a network or an endpoint."""

    Domain: str
    """DNS suffix of the connection.

    HCN schema 2.0.
    """

    Search: list[str]
    """DNS suffixes to search, in order.

    HCN schema 2.0.
    """

    ServerList: list[str]
    """IP addresses of the DNS servers, in order of preference.

    HCN schema 2.0.
    """

    Options: list[str]
    """Further resolver options.

    HCN schema 2.0.
    """


class DNS_2(TypedDict, total=False):
    """DNS settings of a guest interface, where each list is a single string."""

    MessageNumber: int
    """Number of the message.

    HCN schema 2.0.
    """

    Family: int
    """Address family, 2 for IPv4 or 23 for IPv6.

    HCN schema 2.0.
    """

    Domain: str
    """DNS suffix of the connection.

    HCN schema 2.0.
    """

    Search: str
    """DNS suffixes to search, in one string.

    HCN schema 2.0.
    """

    ServerList: str
    """IP addresses of the DNS servers, in one string.

    HCN schema 2.0.
    """

    Options: str
    """Further resolver options, in one string.

    HCN schema 2.0.
    """


class DrMacAddressNetworkPolicySetting(TypedDict, total=False):
    """Settings of a network policy of type `DrMacAddress`: the MAC address of the distributed router."""

    Address: str
    """MAC address such as `00-15-5D-52-C0-00`.

    HCN schema 2.0.
    """


class EncapOverheadEndpointPolicySetting(TypedDict, total=False):
    """Settings of an endpoint policy of type `EncapOverhead`: room left in each packet for encapsulation."""

    Overhead: int
    """Size of the encapsulation headers in bytes.

    HCN schema 2.0.
    """


class PrioritizedAuthenticationMethod(TypedDict, total=False):
    """One way to authenticate, in a list in order of priority."""

    Type: AuthenticationType
    """Way to authenticate, which decides the form of `Settings`.

    HCN schema 2.1.
    """

    Settings: Any
    """For `PresharedKey` an `AuthenticationPresharedKey`, for `Certificate` an `AuthenticationCertificate`.

    HCN schema 2.1.
    """


class EndpointAdditionalParams(TypedDict, total=False):
    """Additional parameters of an endpoint: the virtual switch port it is on."""

    SwitchId: str
    """GUID of the virtual switch.

    A GUID. HCN schema 2.0.
    """

    SwitchPortId: str
    """GUID of the port on that switch.

    A GUID. HCN schema 2.0.
    """


class EndpointPolicy(TypedDict, total=False):
    """One policy of an endpoint. A `PortMapping` works only if the endpoint is created with it."""

    Type: EndpointPolicyType
    """Type of the policy, which decides the form of `Settings`.

    HCN schema 2.0.
    """

    Settings: Any
    """Settings of the policy; for `PortMapping` a `PortMappingPolicySetting`, for `ACL` an `AclPolicySetting`, and so
    on.

    HCN schema 2.0.
    """


class Extension(TypedDict, total=False):
    """Virtual switch extension and whether it is on."""

    Id: str
    """GUID of the extension.

    A GUID. HCN schema 2.0.
    """

    IsEnabled: bool
    """Whether the extension is enabled.

    HCN schema 2.0.
    """


class ExtraParams(TypedDict, total=False):
    """Extra information that goes with the health of an object."""

    Resources: Any
    """Resources the object uses.

    HCN schema 2.0.
    """

    SharedContainers: Any
    """Containers that share the object.

    HCN schema 2.0.
    """

    LayeredOn: str
    """GUID of the object this one is layered on.

    A GUID. HCN schema 2.0.
    """

    SwitchGuid: str
    """GUID of the virtual switch.

    A GUID. HCN schema 2.0.
    """

    UtilityVM: str
    """GUID of the utility VM.

    A GUID. HCN schema 2.0.
    """

    VirtualMachine: str
    """GUID of the virtual machine.

    A GUID. HCN schema 2.0.
    """


class FirewallPolicySetting(TypedDict, total=False):
    """Firewall settings for one kind of guest."""

    VmType: FirewallVMType
    """Kind of guest the settings are for.

    HCN schema 2.16.
    """

    FirewallPolicyFlags: int | FirewallPolicyFlags
    """Options of the firewall policy.

    HCN schema 2.16.
    """


class FiveTuple(TypedDict, total=False):
    """Conditions on protocol, addresses and ports that traffic has to match."""

    Protocols: str
    """Protocol numbers separated by commas, such as `6,17` for TCP and UDP.

    HCN schema 2.5.
    """

    LocalAddresses: str
    """Local addresses or prefixes to match, separated by commas, such as `192.168.100.0/24,10.0.0.21`.

    HCN schema 2.5.
    """

    RemoteAddresses: str
    """Remote addresses or prefixes to match, separated by commas, such as `192.168.100.0/24,10.0.0.21`.

    HCN schema 2.5.
    """

    LocalPorts: str
    """Local port numbers to match, separated by commas, such as `80,8080`.

    HCN schema 2.5.
    """

    RemotePorts: str
    """Remote port numbers to match, separated by commas, such as `80,8080`.

    HCN schema 2.5.
    """

    Priority: int
    """Priority among the rules.

    HCN schema 2.5.
    """


class FiveTuple_2(TypedDict, total=False):
    """Conditions on protocol, addresses and ports, with the same members as `FiveTuple`."""

    Protocols: str
    """Protocol numbers separated by commas, such as `6,17` for TCP and UDP.

    HCN schema 2.5.
    """

    LocalAddresses: str
    """Local addresses or prefixes to match, separated by commas, such as `192.168.100.0/24,10.0.0.21`.

    HCN schema 2.5.
    """

    RemoteAddresses: str
    """Remote addresses or prefixes to match, separated by commas, such as `192.168.100.0/24,10.0.0.21`.

    HCN schema 2.5.
    """

    LocalPorts: str
    """Local port numbers to match, separated by commas, such as `80,8080`.

    HCN schema 2.5.
    """

    RemotePorts: str
    """Remote port numbers to match, separated by commas, such as `80,8080`.

    HCN schema 2.5.
    """

    Priority: int
    """Priority among the rules.

    HCN schema 2.5.
    """


class IPAddress(TypedDict, total=False):
    """Unicast address of a guest interface."""

    MessageNumber: int
    """Number of the message.

    HCN schema 2.0.
    """

    Family: int
    """Address family, 2 for IPv4 or 23 for IPv6.

    HCN schema 2.0.
    """

    Address: str
    """The IP address.

    HCN schema 2.0.
    """

    PrefixOrigin: int
    """How the network part of the address was obtained, as a number.

    HCN schema 2.0.
    """

    SuffixOrigin: int
    """How the host part of the address was obtained, as a number.

    HCN schema 2.0.
    """

    ValidLifetime: int
    """Seconds for which the address is valid.

    HCN schema 2.0.
    """

    PreferredLifetime: int
    """Seconds for which the address is preferred.

    HCN schema 2.0.
    """

    OnLinkPrefixLength: int
    """Length in bits of the prefix that is on the link.

    HCN schema 2.0.
    """

    SkipAsSource: bool
    """Whether the address is passed over when a source address is chosen.

    HCN schema 2.0.
    """


class NetworkInterface(TypedDict, total=False):
    """IP parameters of a guest interface for one address family."""

    MessageNumber: int
    """Number of the message.

    HCN schema 2.0.
    """

    Family: int
    """Address family, 2 for IPv4 or 23 for IPv6.

    HCN schema 2.0.
    """

    AdvertisingEnabled: bool
    """Whether the interface sends router advertisements.

    HCN schema 2.0.
    """

    ForwardingEnabled: bool
    """Whether the interface forwards packets.

    HCN schema 2.0.
    """

    WeakHostSend: bool
    """Whether packets may leave with the address of another interface (weak host model).

    HCN schema 2.0.
    """

    WeakHostReceive: bool
    """Whether packets for the address of another interface are accepted (weak host model).

    HCN schema 2.0.
    """

    UseAutomaticMetric: bool
    """Whether the metric of the interface is computed automatically.

    HCN schema 2.0.
    """

    UseNeighborUnreachabilityDetection: bool
    """Whether the interface checks that neighbors can still be reached.

    HCN schema 2.0.
    """

    ManagedAddressConfigurationSupported: bool
    """Whether addresses may be configured by DHCP.

    HCN schema 2.0.
    """

    OtherStatefulConfigurationSupported: bool
    """Whether settings other than addresses may be configured by DHCP.

    HCN schema 2.0.
    """

    AdvertiseDefaultRoute: bool
    """Whether the interface advertises itself as a default route.

    HCN schema 2.0.
    """

    RouterDiscoveryBehavior: int
    """How the interface looks for routers, as a number.

    HCN schema 2.0.
    """

    DadTransmits: int
    """Number of probes sent to detect a duplicate address.

    HCN schema 2.0.
    """

    BaseReachableTime: int
    """Base of the random `ReachableTime`, in milliseconds.

    HCN schema 2.0.
    """

    RetransmitTime: int
    """Time between repeated neighbor solicitations in milliseconds.

    HCN schema 2.0.
    """

    PathMtuDiscoveryTimeout: int
    """Timeout of path MTU discovery.

    In ms. HCN schema 2.0.
    """

    LinkLocalAddressBehavior: int
    """When the interface gets a link-local address, as a number.

    HCN schema 2.0.
    """

    LinkLocalAddressTimeout: int
    """Timeout for a link-local address.

    In ms. HCN schema 2.0.
    """

    ZoneIndices: list[int]
    """Zone numbers of the interface, one for each scope level.

    HCN schema 2.0.
    """

    SitePrefixLength: int
    """Length of the site prefix in bits.

    HCN schema 2.0.
    """

    Metric: int
    """Metric of the interface, the lower the more preferred.

    HCN schema 2.0.
    """

    NlMtu: int
    """Largest packet of the network layer (MTU) in bytes.

    HCN schema 2.0.
    """

    Connected: bool
    """Whether the interface is connected to a network.

    HCN schema 2.0.
    """

    SupportsWakeUpPatterns: bool
    """Whether the interface can wake the machine on packet patterns.

    HCN schema 2.0.
    """

    SupportsNeighborDiscovery: bool
    """Whether the interface supports neighbor discovery.

    HCN schema 2.0.
    """

    SupportsRouterDiscovery: bool
    """Whether the interface supports router discovery.

    HCN schema 2.0.
    """

    ReachableTime: int
    """How long a neighbor is taken to be reachable once it has been heard, in milliseconds.

    HCN schema 2.0.
    """

    TransmitOffload: int
    """Offload features for sending, as a number.

    HCN schema 2.0.
    """

    ReceiveOffload: int
    """Offload features for receiving, as a number.

    HCN schema 2.0.
    """

    DisableDefaultRoutes: bool
    """Whether default routes over the interface are disabled.

    HCN schema 2.0.
    """


class Route_2(TypedDict, total=False):
    """Route of a guest interface."""

    MessageNumber: int
    """Number of the message.

    HCN schema 2.0.
    """

    Family: int
    """Address family, 2 for IPv4 or 23 for IPv6.

    HCN schema 2.0.
    """

    NextHop: str
    """IP address of the gateway.

    HCN schema 2.0.
    """

    DestinationPrefix: str
    """Address prefix the route leads to, such as `0.0.0.0/0`.

    HCN schema 2.0.
    """

    SitePrefixLength: int
    """Length of the site prefix in bits.

    HCN schema 2.0.
    """

    ValidLifetime: int
    """Seconds for which the route is valid.

    HCN schema 2.0.
    """

    PreferredLifetime: int
    """Seconds for which the route is preferred.

    HCN schema 2.0.
    """

    Metric: int
    """Metric of the route, the lower the more preferred.

    HCN schema 2.0.
    """

    Protocol: int
    """How the route came to be, as a number.

    HCN schema 2.0.
    """

    Loopback: bool
    """Whether the route is a loopback route.

    HCN schema 2.0.
    """

    AutoconfigureAddress: bool
    """Whether the address was configured automatically.

    HCN schema 2.0.
    """

    Publish: bool
    """Whether the route is published to others.

    HCN schema 2.0.
    """

    Immortal: bool
    """Whether the route never expires.

    HCN schema 2.0.
    """


class Xlat(TypedDict, total=False):
    """Translation between IPv4 and IPv6 for a guest interface."""

    MessageNumber: int
    """Number of the message.

    HCN schema 2.0.
    """

    Family: int
    """Address family, 2 for IPv4 or 23 for IPv6.

    HCN schema 2.0.
    """

    SyntheticIPv4Address: str
    """IPv4 address made up for the translation.

    HCN schema 2.5.
    """

    FallbackIPv4Address: str
    """IPv4 address to fall back to.

    HCN schema 2.5.
    """

    LocalPrefix: str
    """Prefix on the local side of the translation.

    HCN schema 2.5.
    """

    LocalPrefixLength: int
    """Length of `LocalPrefix` in bits.

    HCN schema 2.5.
    """

    RemotePrefix: str
    """Prefix on the remote side of the translation.

    HCN schema 2.5.
    """

    RemotePrefixLength: int
    """Length of `RemotePrefix` in bits.

    HCN schema 2.5.
    """


class NamespaceResource_2(TypedDict, total=False):
    """Endpoint and container in a guest namespace."""

    EndpointId: str
    """GUID of the endpoint.

    A GUID. HCN schema 2.0.
    """

    ContainerId: str
    """GUID of the container.

    A GUID. HCN schema 2.0.
    """


class GuestNetworkServiceInterface(TypedDict, total=False):
    """State of one interface that a guest network service looks after."""

    EndpointId: str
    """GUID of the endpoint.

    A GUID. HCN schema 2.2.
    """

    InterfaceGuid: str
    """GUID of the interface.

    A GUID. HCN schema 2.2.
    """

    State: GuestNetworkServiceInterfaceState
    """How far the interface has been synchronized with the guest.

    HCN schema 2.2.
    """

    MissedNotifications: GuestNetworkServiceNotificationType
    """Kinds of notification the interface has missed.

    HCN schema 2.7.
    """


class RpcConnectionInformation(TypedDict, total=False):
    """How to reach an RPC server."""

    NetworkAddress: str
    """Network address of the server.

    HCN schema 2.11.
    """

    EndpointAddress: str
    """Address of the RPC endpoint.

    HCN schema 2.11.
    """

    EndpointType: RpcEndpointType
    """Transport of the connection.

    HCN schema 2.13.
    """

    ObjectUuid: str
    """UUID of the RPC object.

    A GUID. HCN schema 2.13.
    """


class GuestNetworkServiceStateRequest(TypedDict, total=False):
    """Settings of a request to bring a guest network service into another state."""

    State: GuestNetworkServiceState
    """State to change to.

    HCN schema 2.0.
    """


class HcnGuestModifySettingRequest(TypedDict, total=False):
    """Request to the network service inside a guest to change a setting."""

    ResourceUri: str
    """Path of the resource to change.

    HCN schema 2.0.
    """

    RequestType: HcnModifyRequestType
    """What to do with the resource.

    HCN schema 2.0.
    """

    ResourceType: GuestResourceType
    """Kind of guest object to change, which decides the form of `Settings`.

    HCN schema 2.0.
    """

    Settings: Any
    """The change itself, in a form that depends on `ResourceType`.

    HCN schema 2.0.
    """


class HcnMacAddress(TypedDict, total=False):
    """MAC address of a guest interface."""

    MessageNumber: int
    """Number of the message.

    HCN schema 2.0.
    """

    Family: int
    """Address family, 2 for IPv4 or 23 for IPv6.

    HCN schema 2.0.
    """

    PhysicalAddress: str
    """The MAC address.

    HCN schema 2.5.
    """


class HcnModifySettingRequest(TypedDict, total=False):
    """Members that all requests to change an HCN object have in common."""

    ResourceUri: str
    """Path of the resource to change.

    HCN schema 2.0.
    """

    RequestType: HcnModifyRequestType
    """What to do with the resource.

    HCN schema 2.0.
    """


class RegKey(TypedDict, total=False):
    """One registry value."""

    Path: str
    """Path of the registry key.

    HCN schema 2.1.
    """

    Key: str
    """Name of the registry value.

    HCN schema 2.1.
    """

    Type: int
    """Registry type as a number, such as 1 for `REG_SZ`.

    HCN schema 2.1.
    """

    Value: str
    """Bytes of the value.

    Base64. HCN schema 2.1.
    """


class IpConfig(TypedDict, total=False):
    """One IP address of an endpoint."""

    IpAddress: str
    """The IP address, without a prefix length.

    HCN schema 2.0.
    """

    PrefixLength: int
    """Length of the network prefix in bits, such as 24.

    From 0 to 128. HCN schema 2.0.
    """

    IpSubnetId: str
    """GUID of the IP subnet the address belongs to.

    A GUID. HCN schema 2.3.
    """


class Route(TypedDict, total=False):
    """Route of a network's subnet or of an endpoint."""

    NextHop: str
    """IP address of the gateway.

    HCN schema 2.0.
    """

    DestinationPrefix: str
    """Address prefix the route leads to, `0.0.0.0/0` for the default route.

    HCN schema 2.0.
    """

    Metric: int
    """Metric of the route, the lower the more preferred.

    HCN schema 2.0.
    """


class LoadBalancerPortMapping(TypedDict, total=False):
    """One port of a load balancer and the port of the endpoints behind it."""

    Protocol: int | ProtocolType
    """Transport protocol as a number, 6 for TCP or 17 for UDP.

    HCN schema 2.0.
    """

    InternalPort: int
    """Port number at the endpoints.

    HCN schema 2.0.
    """

    ExternalPort: int
    """Port number that clients use.

    HCN schema 2.0.
    """

    DistributionType: int | LoadBalancerDistribution
    """How connections are spread, as a number from 0 to 2.

    HCN schema 2.7.
    """

    Flags: int | LoadBalancerPortMappingFlags
    """Sum of `LoadBalancerPortMappingFlags` numbers; HCN refuses their names.

    HCN schema 2.0.
    """


class NamespaceResource(TypedDict, total=False):
    """Endpoint or container in a namespace."""

    Type: NamespaceResourceType
    """Kind of resource, which decides the form of `Data`.

    HCN schema 2.0.
    """

    Data: Any
    """The resource itself; for `Endpoint` a `NamespaceResourceEndpoint`, for `Container` a
    `NamespaceResourceContainer`.

    HCN schema 2.0.
    """


class NetworkPolicy(TypedDict, total=False):
    """One policy of a network."""

    Type: NetworkPolicyType
    """Type of the policy, which decides the form of `Settings`.

    HCN schema 2.0.
    """

    Settings: Any
    """Settings of the policy; for `HostRoute` an empty object, for `SetPolicy` a `SetPolicySetting`, and so on.

    HCN schema 2.0.
    """


class SDNRoutePolicySetting(TypedDict, total=False):
    """Settings of an endpoint policy of type `SDNRoute`, and one route of a `HostComputeRoute`."""

    DestinationPrefix: str
    """Address prefix the route leads to, such as `169.254.0.0/16`.

    HCN schema 2.0.
    """

    NextHop: str
    """IP address of the gateway.

    HCN schema 2.0.
    """

    NeedEncap: bool
    """Whether the traffic has to be encapsulated.

    HCN schema 2.0.
    """

    AutomaticEndpointMonitor: bool
    """Whether endpoints are monitored automatically.

    HCN schema 2.0.
    """


class HostRoutePolicySetting(TypedDict, total=False):
    """Settings of a network policy of type `HostRoute`, an empty object."""


class InterfaceConstraintEndpointPolicySetting(TypedDict, total=False):
    """Settings of an endpoint policy of type `InterfaceConstraint`: the host interface the endpoint is bound to."""

    InterfaceGuid: str
    """GUID of the interface.

    A GUID. HCN schema 2.0.
    """

    InterfaceLuid: int
    """Locally unique identifier (LUID) of the interface, as a number.

    HCN schema 2.0.
    """

    InterfaceIndex: int
    """Index of the interface.

    HCN schema 2.0.
    """

    InterfaceMediaType: int
    """Media type of the interface, as a number.

    HCN schema 2.0.
    """

    InterfaceAlias: str
    """Name of the interface as users see it, such as `Ethernet`.

    HCN schema 2.0.
    """

    InterfaceDescription: str
    """Description of the interface.

    HCN schema 2.0.
    """


class InterfaceConstraintNetworkPolicySetting(TypedDict, total=False):
    """Settings of a network policy of type `InterfaceConstraint`: the host interface the network is bound to."""

    InterfaceGuid: str
    """GUID of the interface.

    A GUID. HCN schema 2.0.
    """

    InterfaceLuid: int
    """Locally unique identifier (LUID) of the interface, as a number.

    HCN schema 2.0.
    """

    InterfaceIndex: int
    """Index of the interface.

    HCN schema 2.0.
    """

    InterfaceMediaType: int
    """Media type of the interface, as a number.

    HCN schema 2.0.
    """

    InterfaceAlias: str
    """Name of the interface as users see it, such as `Ethernet`.

    HCN schema 2.0.
    """

    InterfaceDescription: str
    """Description of the interface.

    HCN schema 2.0.
    """


class InterfaceNotificationMessage(TypedDict, total=False):
    """Members that all notifications to a guest interface have in common."""

    MessageNumber: int
    """Number of the message.

    HCN schema 2.0.
    """

    Family: int
    """Address family, 2 for IPv4 or 23 for IPv6.

    HCN schema 2.0.
    """


class InterfaceParametersPolicySetting(TypedDict, total=False):
    """Settings of an endpoint policy of type `InterfaceParameters`."""

    Mtu: int
    """Largest packet of the interface (MTU) in bytes.

    HCN schema 2.4.
    """


class IovPolicySetting(TypedDict, total=False):
    """Settings of an endpoint policy of type `Iov`: hardware offload by single-root I/O virtualization (SR-IOV)."""

    IovOffloadWeight: int
    """Weight of the endpoint when hardware offload is handed out.

    HCN schema 2.9.
    """

    QueuePairsRequested: int
    """Number of hardware queue pairs to ask for.

    HCN schema 2.9.
    """

    InterruptModeration: int | IovInterruptModerationType
    """How the hardware holds interrupts back to combine them.

    HCN schema 2.9.
    """


class L4ProxyPolicySetting(TypedDict, total=False):
    """Settings of an endpoint or network policy of type `L4Proxy`: redirection of TCP or UDP traffic to a proxy."""

    IP: str
    """Destination IP address of the traffic to redirect.

    HCN schema 2.0.
    """

    Port: str
    """Destination port number of the traffic to redirect, as text.

    HCN schema 2.0.
    """

    Protocol: int | ProtocolType
    """Transport protocol as a number, 6 for TCP or 17 for UDP.

    HCN schema 2.0.
    """

    ExceptionList: list[str]
    """Addresses that bypass the proxy; Microsoft's client calls this member `Exceptions`.

    HCN schema 2.0.
    """

    Destination: str
    """Where the traffic is redirected to, as address and port, such as `10.0.0.4:15001`.

    HCN schema 2.0.
    """

    OutboundNat: bool
    """Whether outbound traffic is translated (NAT); Microsoft's client spells this member `OutboundNAT`.

    HCN schema 2.0.
    """

    Exceptions: list[str]
    """Addresses that bypass the proxy, under the name of Microsoft's client; the schema has `ExceptionList`.

    In no published schema.
    """

    OutboundNAT: bool
    """Whether outbound traffic is translated, in the spelling of Microsoft's client; the schema has `OutboundNat`.

    In no published schema.
    """


class L4ProxyPolicySetting_2(TypedDict, total=False):
    """Settings of a layer 4 proxy policy, with the same members as `L4ProxyPolicySetting`."""

    IP: str
    """Destination IP address of the traffic to redirect.

    HCN schema 2.0.
    """

    Port: str
    """Destination port number of the traffic to redirect, as text.

    HCN schema 2.0.
    """

    Protocol: int | ProtocolType
    """Transport protocol as a number, 6 for TCP or 17 for UDP.

    HCN schema 2.0.
    """

    ExceptionList: list[str]
    """Addresses that bypass the proxy; Microsoft's client calls this member `Exceptions`.

    HCN schema 2.0.
    """

    Destination: str
    """Where the traffic is redirected to, as address and port, such as `10.0.0.4:15001`.

    HCN schema 2.0.
    """

    OutboundNat: bool
    """Whether outbound traffic is translated (NAT); Microsoft's client spells this member `OutboundNAT`.

    HCN schema 2.0.
    """

    Exceptions: list[str]
    """Addresses that bypass the proxy, under the name of Microsoft's client; the schema has `ExceptionList`.

    In no published schema.
    """

    OutboundNAT: bool
    """Whether outbound traffic is translated, in the spelling of Microsoft's client; the schema has `OutboundNat`.

    In no published schema.
    """


class ProxyExceptions(TypedDict, total=False):
    """Traffic that bypasses a proxy."""

    IpAddressExceptions: list[str]
    """IP addresses whose traffic bypasses the proxy.

    HCN schema 2.14.
    """

    PortExceptions: list[str]
    """Port numbers whose traffic bypasses the proxy, as text.

    HCN schema 2.14.
    """


class LayerConstraintNetworkPolicySetting(TypedDict, total=False):
    """Settings of a network policy of type `LayerConstraint`."""

    LayerId: str
    """GUID of the layer the network is tied to.

    A GUID. HCN schema 2.0.
    """


class MacRange(TypedDict, total=False):
    """Range of MAC addresses."""

    StartMacAddress: str
    """First MAC address of the range, such as `00-15-5D-52-C0-00`.

    HCN schema 2.0.
    """

    EndMacAddress: str
    """Last MAC address of the range, such as `00-15-5D-52-CF-FF`.

    HCN schema 2.0.
    """


class ModifyEndpointSettingRequest(TypedDict, total=False):
    """Request to `HcnModifyEndpoint`."""

    ResourceUri: str
    """Path of the resource to change.

    HCN schema 2.0.
    """

    RequestType: HcnModifyRequestType
    """What to do with the resource.

    HCN schema 2.0.
    """

    ResourceType: EndpointResourceType
    """What to change, which decides the form of `Settings`.

    HCN schema 2.0.
    """

    Settings: Any
    """The change; for `Policy` a `PolicyEndpointRequest`.

    HCN schema 2.0.
    """


class ModifyGuestEndpointSettingRequest(TypedDict, total=False):
    """Request to change an endpoint inside a guest."""

    ResourceUri: str
    """Path of the resource to change.

    HCN schema 2.0.
    """

    RequestType: HcnModifyRequestType
    """What to do with the resource.

    HCN schema 2.0.
    """

    ResourceType: GuestEndpointResourceType
    """What to change, which decides the form of `Settings`.

    HCN schema 2.0.
    """

    Settings: Any
    """The change itself, in a form that depends on `ResourceType`.

    HCN schema 2.0.
    """


class ModifyGuestNamespaceSettingRequest(TypedDict, total=False):
    """Request to change a namespace inside a guest."""

    ResourceUri: str
    """Path of the resource to change.

    HCN schema 2.0.
    """

    RequestType: HcnModifyRequestType
    """What to do with the resource.

    HCN schema 2.0.
    """

    ResourceType: GuestNamespaceResourceType
    """What to change, which decides the form of `Settings`.

    HCN schema 2.0.
    """

    Settings: Any
    """The change itself, in a form that depends on `ResourceType`.

    HCN schema 2.0.
    """


class ModifyGuestNetworkServiceSettingRequest(TypedDict, total=False):
    """Request to `HcnModifyGuestNetworkService`."""

    ResourceUri: str
    """Path of the resource to change.

    HCN schema 2.0.
    """

    RequestType: HcnModifyRequestType
    """What to do with the resource.

    HCN schema 2.0.
    """

    ResourceType: GuestNetworkServiceResourceType
    """What to change, which is always `State`.

    HCN schema 2.0.
    """

    Settings: Any
    """The change, a `GuestNetworkServiceStateRequest`.

    HCN schema 2.0.
    """


class ModifyNamespaceSettingRequest(TypedDict, total=False):
    """Request to `HcnModifyNamespace`."""

    ResourceUri: str
    """Path of the resource to change.

    HCN schema 2.0.
    """

    RequestType: HcnModifyRequestType
    """What to do with the resource.

    HCN schema 2.0.
    """

    ResourceType: NamespaceResourceType
    """What to add or remove, which decides the form of `Settings`.

    HCN schema 2.0.
    """

    Settings: Any
    """The change; for `Endpoint` a `NamespaceEndpointRequest`, for `Container` a `NamespaceContainerRequest`.

    HCN schema 2.0.
    """


class ModifyNamespaceSettingResponse(TypedDict, total=False):
    """Answer to a change of a namespace."""

    Success: bool
    """Whether the call succeeded.

    HCN schema 2.0.
    """

    Error: str
    """Message in the host's language, for people only: never compare it. It may end in a space.

    HCN schema 2.0.
    """

    ErrorCode: int
    """`HRESULT` of the error as an unsigned number.

    HCN schema 2.0.
    """

    CompartmentId: int
    """Number of the network compartment of the namespace.

    HCN schema 2.0.
    """


class ModifyNetworkSettingRequest(TypedDict, total=False):
    """Request to `HcnModifyNetwork`."""

    ResourceUri: str
    """Path of the resource to change.

    HCN schema 2.0.
    """

    RequestType: HcnModifyRequestType
    """What to do with the resource.

    HCN schema 2.0.
    """

    ResourceType: NetworkResourceType
    """What to change, which decides the form of `Settings`.

    HCN schema 2.0.
    """

    Settings: Any
    """The change; for `Policy` a `PolicyNetworkRequest`, for `Subnet` a `SubnetNetworkRequest`, for `IPSubnet` an
    `IPSubnetNetworkRequest`.

    HCN schema 2.0.
    """


class ModifySettingResponse(TypedDict, total=False):
    """Answer to a request to change an HCN object."""

    Success: bool
    """Whether the call succeeded.

    HCN schema 2.0.
    """

    Error: str
    """Message in the host's language, for people only: never compare it. It may end in a space.

    HCN schema 2.0.
    """

    ErrorCode: int
    """`HRESULT` of the error as an unsigned number.

    HCN schema 2.0.
    """

    Data: Any
    """Result of the change, in a form of its own.

    HCN schema 2.0.
    """


class NamespaceContainerRequest(TypedDict, total=False):
    """Settings of a request to add a container to a namespace or remove it."""

    ContainerId: str
    """Id of the container.

    HCN schema 2.0.
    """


class NamespaceEndpointRequest(TypedDict, total=False):
    """Settings of a request to add an endpoint to a namespace or remove it."""

    EndpointId: str
    """GUID of the endpoint.

    A GUID. HCN schema 2.0.
    """


class NamespaceResourceContainer(TypedDict, total=False):
    """Container in a namespace."""

    Id: str
    """Id of the container.

    HCN schema 2.0.
    """


class NamespaceResourceEndpoint(TypedDict, total=False):
    """Endpoint in a namespace."""

    Id: str
    """GUID of the endpoint.

    HCN schema 2.0.
    """


class Neighbor(TypedDict, total=False):
    """Neighbor of a guest interface: which MAC address an IP address has on the link."""

    MessageNumber: int
    """Number of the message.

    HCN schema 2.0.
    """

    Family: int
    """Address family, 2 for IPv4 or 23 for IPv6.

    HCN schema 2.0.
    """

    Address: str
    """IP address of the neighbor.

    HCN schema 2.5.
    """

    InterfaceLuid: int
    """Locally unique identifier (LUID) of the interface, as a number.

    HCN schema 2.5.
    """

    InterfaceIndex: int
    """Index of the interface.

    HCN schema 2.5.
    """

    PhysicalAddress: str
    """MAC address of the neighbor.

    HCN schema 2.5.
    """

    PhysicalAddressLength: int
    """Length of `PhysicalAddress` in bytes.

    HCN schema 2.5.
    """

    State: int
    """Reachability state of the neighbor, as a number.

    HCN schema 2.5.
    """

    IsRouter: bool
    """Whether the neighbor is a router.

    HCN schema 2.5.
    """

    IsUnreachable: bool
    """Whether the neighbor cannot be reached.

    HCN schema 2.5.
    """

    Flags: int
    """Flags of the neighbor, as a number.

    HCN schema 2.5.
    """

    LastReachable: int
    """When the neighbor was last reachable, as a number.

    HCN schema 2.5.
    """

    LastUnreachable: int
    """When the neighbor was last unreachable, as a number.

    HCN schema 2.5.
    """


class NetAdapterNameNetworkPolicySetting(TypedDict, total=False):
    """Settings of a network policy of type `NetAdapterName`: the host adapter that links the network to the outside."""

    NetworkAdapterName: str
    """Name of the host adapter, such as `Ethernet`.

    HCN schema 2.0.
    """


class NetworkAclPolicySetting(TypedDict, total=False):
    """Settings of a network policy of type `NetworkACL`: one firewall rule for the network."""

    Protocols: str
    """Protocol numbers separated by commas, such as `6,17` for TCP and UDP.

    HCN schema 2.5.
    """

    LocalAddresses: str
    """Local addresses or prefixes to match, separated by commas, such as `192.168.100.0/24,10.0.0.21`.

    HCN schema 2.5.
    """

    RemoteAddresses: str
    """Remote addresses or prefixes to match, separated by commas, such as `192.168.100.0/24,10.0.0.21`.

    HCN schema 2.5.
    """

    LocalPorts: str
    """Local port numbers to match, separated by commas, such as `80,8080`.

    HCN schema 2.5.
    """

    RemotePorts: str
    """Remote port numbers to match, separated by commas, such as `80,8080`.

    HCN schema 2.5.
    """

    Priority: int
    """Priority among the rules.

    HCN schema 2.5.
    """

    Id: str
    """Id of the rule.

    HCN schema 2.0.
    """

    Action: ActionType
    """What happens to traffic that matches.

    HCN schema 2.0.
    """

    Direction: DirectionType
    """Direction of the traffic the rule looks at, as the endpoint sees it.

    HCN schema 2.0.
    """

    RuleType: RuleType
    """Where the rule is enforced: in the host's firewall or in the virtual switch.

    HCN schema 2.0.
    """


class NetworkAdditionalParams(TypedDict, total=False):
    """Additional parameters of a network."""

    ICSFlags: int
    """Flags for Internet Connection Sharing (ICS), as a number.

    HCN schema 2.0.
    """


class NotificationBase(TypedDict, total=False):
    """Data of a notification of the HCN service, which may also come without any."""

    ID: str
    """GUID of the object the notification is about.

    A GUID. HCN schema 2.0.
    """

    Flags: int
    """Flags of the notification, as a number.

    HCN schema 2.0.
    """

    Data: Any
    """Further data, in a form that depends on the notification.

    HCN schema 2.2.
    """


class OutboundNatPolicySetting(TypedDict, total=False):
    """Settings of an endpoint policy of type `OutBoundNAT`: translation of the source address of outbound traffic."""

    VirtualIP: str
    """IP address that outbound traffic gets as its source.

    HCN schema 2.0.
    """

    Destinations: list[str]
    """Destinations whose traffic is translated, each an address or a prefix.

    HCN schema 2.0.
    """

    Exceptions: list[str]
    """Destinations whose traffic is left untranslated, each an address or a prefix.

    HCN schema 2.0.
    """

    Flags: int | NatFlags
    """Sum of `NatFlags` numbers; HCN refuses their names.

    HCN schema 2.0.
    """

    MaxPortPoolUsage: int
    """Upper limit on the use of the NAT port pool.

    In no published schema.
    """


class PortMappingPolicySetting(TypedDict, total=False):
    """Settings of an endpoint policy of type `PortMapping`: a port of the host that leads to a port of the endpoint. It
    works only if the endpoint is created with it.
    """

    Protocol: int | ProtocolType
    """Transport protocol as a number, 6 for TCP or 17 for UDP.

    HCN schema 2.0.
    """

    InternalPort: int
    """Port number at the endpoint.

    HCN schema 2.0.
    """

    ExternalPort: int
    """Port number on the host; if it is already mapped, HCN fails with `HCN_E_PORT_ALREADY_EXISTS`.

    HCN schema 2.0.
    """

    VIP: str
    """Virtual IP address at which the external port is offered.

    HCN schema 2.0.
    """

    Flags: int | NatFlags
    """Sum of `NatFlags` numbers; HCN refuses their names.

    HCN schema 2.0.
    """


class PortnameEndpointPolicySetting(TypedDict, total=False):
    """Settings of an endpoint policy of type `PortName`."""

    Name: str
    """Name of the switch port.

    HCN schema 2.0.
    """


class ProviderAddressEndpointPolicySetting(TypedDict, total=False):
    """Settings of an endpoint policy of type `ProviderAddress`."""

    ProviderAddress: str
    """Address of the endpoint's host in the underlying physical network.

    HCN schema 2.0.
    """


class ProviderAddressNetworkPolicySetting(TypedDict, total=False):
    """Settings of a network policy of type `ProviderAddress`."""

    ProviderAddress: str
    """Address of the network's host in the underlying physical network.

    HCN schema 2.0.
    """


class QosPolicySetting(TypedDict, total=False):
    """Settings of an endpoint policy of type `QOS`: a cap on bandwidth."""

    MaximumOutgoingBandwidthInBytes: int
    """Cap on outgoing traffic.

    In bytes a second. HCN schema 2.0.
    """


class RemoteSubnetRoutePolicySetting(TypedDict, total=False):
    """Settings of a network policy of type `RemoteSubnetRoute`: the route to a subnet that an overlay network has on
    another host.
    """

    DestinationPrefix: str
    """Address prefix of the remote subnet, such as `10.244.1.0/24`.

    HCN schema 2.0.
    """

    IsolationId: int
    """Isolation number of the remote subnet, such as its VSID.

    HCN schema 2.0.
    """

    ProviderAddress: str
    """Address of the remote host in the underlying physical network.

    HCN schema 2.0.
    """

    DistributedRouterMacAddress: str
    """MAC address of the distributed router on the remote host, such as `00-15-5D-52-C0-00`.

    HCN schema 2.0.
    """


class Response(TypedDict, total=False):
    """Answer of HCN to a call, also the form of its error records."""

    Success: bool
    """Whether the call succeeded.

    HCN schema 2.0.
    """

    Error: str
    """Message in the host's language, for people only: never compare it. It may end in a space.

    HCN schema 2.0.
    """

    ErrorCode: int
    """`HRESULT` of the error as an unsigned number.

    HCN schema 2.0.
    """


class SetPolicySetting(TypedDict, total=False):
    """Settings of a network policy of type `SetPolicy`: a named set that other policies can refer to."""

    Id: str
    """Id of the set.

    HCN schema 2.0.
    """

    Name: str
    """Name of the set.

    HCN schema 2.0.
    """

    PolicyType: SetPolicyTypes
    """Kind of set.

    HCN schema 2.0.
    """

    Values: str
    """Members of the set, separated by commas.

    HCN schema 2.0.
    """


class SourceMacAddressNetworkPolicySetting(TypedDict, total=False):
    """Settings of a network policy of type `SourceMacAddress`."""

    SourceMacAddress: str
    """Source MAC address of the network, such as `00-15-5D-52-C0-00`.

    HCN schema 2.0.
    """


class SubnetPolicy(TypedDict, total=False):
    """One policy of a subnet."""

    Type: SubnetPolicyType
    """Type of the policy, which decides the form of `Settings`.

    HCN schema 2.0.
    """

    Settings: Any
    """For `VLAN` a `VlanPolicySetting`, for `VSID` a `VsidPolicySetting`.

    HCN schema 2.0.
    """


class TierAclRule(TypedDict, total=False):
    """One firewall rule of a tier."""

    Protocols: str
    """Protocol numbers separated by commas, such as `6,17` for TCP and UDP.

    HCN schema 2.5.
    """

    LocalAddresses: str
    """Local addresses or prefixes to match, separated by commas, such as `192.168.100.0/24,10.0.0.21`.

    HCN schema 2.5.
    """

    RemoteAddresses: str
    """Remote addresses or prefixes to match, separated by commas, such as `192.168.100.0/24,10.0.0.21`.

    HCN schema 2.5.
    """

    LocalPorts: str
    """Local port numbers to match, separated by commas, such as `80,8080`.

    HCN schema 2.5.
    """

    RemotePorts: str
    """Remote port numbers to match, separated by commas, such as `80,8080`.

    HCN schema 2.5.
    """

    Priority: int
    """Priority among the rules.

    HCN schema 2.5.
    """

    Id: str
    """Id of the rule.

    HCN schema 2.10.
    """

    TierAclRuleAction: ActionType
    """What happens to traffic that matches; `Pass` neither allows nor blocks it.

    HCN schema 2.10.
    """


class VSwitchExtensionNetworkPolicySetting(TypedDict, total=False):
    """Settings of a network policy of type `VSwitchExtension`."""

    ExtensionID: str
    """GUID of the virtual switch extension.

    A GUID. HCN schema 2.0.
    """

    Enable: bool
    """Whether the extension is enabled.

    HCN schema 2.0.
    """


class VlanPolicySetting(TypedDict, total=False):
    """Settings of an endpoint or subnet policy of type `VLAN`."""

    IsolationId: int
    """VLAN number of the traffic.

    HCN schema 2.0.
    """


class VmEndpointRequest(TypedDict, total=False):
    """Settings of a request that creates a switch port for an endpoint and a virtual machine's adapter, resource type
    `Port`.
    """

    PortId: str
    """GUID of the switch port.

    A GUID. HCN schema 2.0.
    """

    VirtualNicName: str
    """Name of the virtual network adapter.

    HCN schema 2.0.
    """

    VirtualMachineId: str
    """GUID of the virtual machine.

    A GUID. HCN schema 2.0.
    """


class VsidPolicySetting(TypedDict, total=False):
    """Settings of a subnet policy of type `VSID`, the virtual subnet of an overlay network."""

    IsolationId: int
    """Number of the virtual subnet, such as 5000.

    HCN schema 2.0.
    """


class VxlanPortPolicySetting(TypedDict, total=False):
    """Settings of a network policy of type `VxlanPort`."""

    Port: int
    """UDP port number for VXLAN traffic.

    HCN schema 2.0.
    """


class HostComputeQuery(TypedDict, total=False):
    """Query for HCN objects or their properties."""

    SchemaVersion: HcnVersion
    """Schema that the answer follows; without it, HCN answers in the form of HNS (schema 1).

    HCN schema 2.0.
    """

    Flags: int | HostComputeQueryFlags
    """How much to return; Microsoft's client sends the number 0 for `None` or 1 for `Detailed`.

    HCN schema 2.0.
    """

    Filter: str
    """Filter as JSON text in a string, such as `{"Name":"web"}`; `VirtualNetwork` selects the endpoints of a network.

    HCN schema 2.0.
    """


class EncryptionPolicySetting(TypedDict, total=False):
    """Settings of an endpoint policy of type `Encryption`: encryption of the traffic between two sets of endpoints."""

    EncryptionMethodType: EncryptionMethod
    """How the traffic is encrypted.

    HCN schema 2.1.
    """

    AuthenticationMethods: list[PrioritizedAuthenticationMethod]
    """Ways the two ends may authenticate, in order of priority.

    HCN schema 2.1.
    """

    Name: str
    """Name of the policy.

    HCN schema 2.1.
    """

    Endpoints1: list[str]
    """Addresses on one side.

    By default `Any`. HCN schema 2.1.
    """

    Endpoints2: list[str]
    """Addresses on the other side.

    By default `Any`. HCN schema 2.1.
    """

    ProtocolType: str
    """Protocol to encrypt.

    By default `Any`. HCN schema 2.1.
    """

    Endpoint1Ports: list[str]
    """Ports on the side of `Endpoints1`.

    By default `All ports`. HCN schema 2.1.
    """

    Endpoint2Ports: list[str]
    """Ports on the side of `Endpoints2`.

    By default `All ports`. HCN schema 2.1.
    """


class PolicyEndpointRequest(TypedDict, total=False):
    """Settings of a request to change the policies of an endpoint, resource type `Policy`."""

    Policies: list[EndpointPolicy]
    """Policies to add, remove or update.

    HCN schema 2.0.
    """


class Health(TypedDict, total=False):
    """Health of an HCN object, as the service reports it."""

    Data: Any
    """Health data, in a form that depends on the object.

    HCN schema 2.0.
    """

    Extra: ExtraParams
    """Extra information, such as the objects involved.

    HCN schema 2.0.
    """


class GuestEndpointState(TypedDict, total=False):
    """Network state of an endpoint inside the guest."""

    NetworkInterfaces: list[NetworkInterface]
    """Interfaces and their parameters.

    HCN schema 2.4.
    """

    Routes: list[Route_2]
    """Routes of the interfaces.

    HCN schema 2.4.
    """

    IPAddresses: list[IPAddress]
    """Unicast addresses of the interfaces.

    HCN schema 2.4.
    """

    DNS: list[DNS_2]
    """DNS settings of the interfaces.

    HCN schema 2.4.
    """

    Xlat: list[Xlat]
    """Address translations between IPv4 and IPv6.

    HCN schema 2.5.
    """


class GuestNetworkServiceNotificationData(TypedDict, total=False):
    """Data of a notification that a guest network service or one of its interfaces has changed state."""

    State: GuestNetworkServiceState
    """State of the service.

    HCN schema 2.2.
    """

    Interfaces: list[GuestNetworkServiceInterface]
    """State of each interface.

    HCN schema 2.2.
    """


class HcnRegistryKey(TypedDict, total=False):
    """Registry values for a guest interface."""

    MessageNumber: int
    """Number of the message.

    HCN schema 2.0.
    """

    Family: int
    """Address family, 2 for IPv4 or 23 for IPv6.

    HCN schema 2.0.
    """

    RegKeys: list[RegKey]
    """Registry values to set.

    HCN schema 2.1.
    """

    Keyword: str
    """Keyword of the setting.

    HCN schema 2.5.
    """

    AdapterCLSID: str
    """Class identifier (CLSID) of the adapter.

    HCN schema 2.5.
    """


class PolicyNetworkRequest(TypedDict, total=False):
    """Settings of a request to change the policies of a network, resource type `Policy`."""

    Policies: list[NetworkPolicy]
    """Policies to add, remove or update.

    HCN schema 2.0.
    """


class L4WfpProxyPolicySetting(TypedDict, total=False):
    """Settings of an endpoint policy of type `L4WFPPROXY`: redirection of traffic to a proxy by the Windows Filtering
    Platform.
    """

    InboundProxyPort: str
    """Port number of the proxy for inbound traffic, as text.

    HCN schema 2.11.
    """

    OutboundProxyPort: str
    """Port number of the proxy for outbound traffic, as text.

    HCN schema 2.11.
    """

    FilterTuple: FiveTuple
    """Which traffic is redirected.

    HCN schema 2.5.
    """

    UserSID: str
    """Security identifier (SID) of the account the proxy runs under.

    HCN schema 2.5.
    """

    InboundExceptions: ProxyExceptions
    """Inbound traffic that bypasses the proxy.

    HCN schema 2.14.
    """

    OutboundExceptions: ProxyExceptions
    """Outbound traffic that bypasses the proxy.

    HCN schema 2.14.
    """


class MacPool(TypedDict, total=False):
    """MAC addresses a network gives to its endpoints."""

    Ranges: list[MacRange]
    """Ranges of MAC addresses.

    HCN schema 2.0.
    """


class TierAclPolicySetting(TypedDict, total=False):
    """Settings of an endpoint policy of type `TierAcl`: one tier, a group of firewall rules with a place among other
    tiers.
    """

    Name: str
    """Name of the tier.

    HCN schema 2.10.
    """

    Direction: DirectionType
    """Direction of the traffic the tier looks at, as the endpoint sees it.

    HCN schema 2.10.
    """

    Order: int
    """Number that places the tier among the others.

    HCN schema 2.10.
    """

    TierAclRules: list[TierAclRule]
    """Rules of the tier.

    HCN schema 2.10.
    """


class Base(TypedDict, total=False):
    """Members that HCN objects have in common."""

    ID: str
    """GUID of the object in lower case, without braces.

    A GUID. HCN schema 2.0.
    """

    Owner: str
    """Name of whoever created the object; a query filter on it matches the exact text.

    HCN schema 2.0.
    """

    Name: str
    """Name for people; HCN knows the object by its `ID`.

    HCN schema 2.0.
    """

    Version: int
    """Version that HCN reports with the object, as one number; not that of the schema.

    HCN schema 2.0.
    """

    AdditionalParams: Any
    """Additional parameters, in a form that depends on the kind of object.

    HCN schema 2.0.
    """

    Health: Health
    """Health information of the object.

    HCN schema 2.0.
    """

    SchemaVersion: HcnVersion
    """Schema that the document follows, `{"Major": 2, "Minor": 0}`; a create document without it is read as an HNS
    (schema 1) document.

    HCN schema 2.0.
    """

    Telemetry: Telemetry
    """Telemetry data of the object.

    HCN schema 2.0.
    """

    State: int
    """State of the object, as a number.

    HCN schema 2.0.
    """


class BasePolicy(TypedDict, total=False):
    """Policy as an object of its own, with type and data."""

    ID: str
    """GUID of the object in lower case, without braces.

    A GUID. HCN schema 2.0.
    """

    Owner: str
    """Name of whoever created the object.

    HCN schema 2.0.
    """

    Name: str
    """Name for people; HCN knows the object by its `ID`.

    HCN schema 2.0.
    """

    Version: int
    """Version that HCN reports with the object, as one number; not that of the schema.

    HCN schema 2.0.
    """

    AdditionalParams: Any
    """Additional parameters, in a form that depends on the kind of object.

    HCN schema 2.0.
    """

    Health: Health
    """Health information of the object.

    HCN schema 2.0.
    """

    SchemaVersion: HcnVersion
    """Schema that the document follows, `{"Major": 2, "Minor": 0}`.

    HCN schema 2.0.
    """

    Telemetry: Telemetry
    """Telemetry data of the object.

    HCN schema 2.0.
    """

    State: int
    """State of the object, as a number.

    HCN schema 2.0.
    """

    Type: int
    """Type of the policy, as a number.

    HCN schema 2.0.
    """

    Data: Any
    """Settings of the policy, in a form that depends on `Type`.

    HCN schema 2.0.
    """


class Feature(TypedDict, total=False):
    """HCN feature that can be on or off."""

    ID: str
    """GUID of the object in lower case, without braces.

    A GUID. HCN schema 2.0.
    """

    Owner: str
    """Name of whoever created the object.

    HCN schema 2.0.
    """

    Name: str
    """Name for people; HCN knows the object by its `ID`.

    HCN schema 2.0.
    """

    Version: int
    """Version that HCN reports with the object, as one number; not that of the schema.

    HCN schema 2.0.
    """

    AdditionalParams: Any
    """Additional parameters, in a form that depends on the kind of object.

    HCN schema 2.0.
    """

    Health: Health
    """Health information of the object.

    HCN schema 2.0.
    """

    SchemaVersion: HcnVersion
    """Schema that the document follows, `{"Major": 2, "Minor": 0}`.

    HCN schema 2.0.
    """

    Telemetry: Telemetry
    """Telemetry data of the object.

    HCN schema 2.0.
    """

    State: int
    """State of the object, as a number.

    HCN schema 2.0.
    """

    Enabled: bool
    """Whether the feature is on.

    HCN schema 2.0.
    """

    Data: Any
    """Data of the feature, in a form of its own.

    HCN schema 2.0.
    """


class GuestEndpoint(TypedDict, total=False):
    """Endpoint as the network service inside a guest knows it."""

    ID: str
    """GUID of the object in lower case, without braces.

    A GUID. HCN schema 2.0.
    """

    Owner: str
    """Name of whoever created the object.

    HCN schema 2.0.
    """

    Name: str
    """Name for people; HCN knows the object by its `ID`.

    HCN schema 2.0.
    """

    Version: int
    """Version that HCN reports with the object, as one number; not that of the schema.

    HCN schema 2.0.
    """

    AdditionalParams: Any
    """Additional parameters, in a form that depends on the kind of object.

    HCN schema 2.0.
    """

    Health: Health
    """Health information of the object.

    HCN schema 2.0.
    """

    SchemaVersion: HcnVersion
    """Schema that the document follows, `{"Major": 2, "Minor": 0}`.

    HCN schema 2.0.
    """

    Telemetry: Telemetry
    """Telemetry data of the object.

    HCN schema 2.0.
    """

    State: int
    """State of the object, as a number.

    HCN schema 2.0.
    """

    NamespaceId: str
    """GUID of the guest namespace the endpoint is in.

    A GUID. HCN schema 2.0.
    """


class GuestFirewall(TypedDict, total=False):
    """Firewall of a guest, with the common members only."""

    ID: str
    """GUID of the object in lower case, without braces.

    A GUID. HCN schema 2.0.
    """

    Owner: str
    """Name of whoever created the object.

    HCN schema 2.0.
    """

    Name: str
    """Name for people; HCN knows the object by its `ID`.

    HCN schema 2.0.
    """

    Version: int
    """Version that HCN reports with the object, as one number; not that of the schema.

    HCN schema 2.0.
    """

    AdditionalParams: Any
    """Additional parameters, in a form that depends on the kind of object.

    HCN schema 2.0.
    """

    Health: Health
    """Health information of the object.

    HCN schema 2.0.
    """

    SchemaVersion: HcnVersion
    """Schema that the document follows, `{"Major": 2, "Minor": 0}`.

    HCN schema 2.0.
    """

    Telemetry: Telemetry
    """Telemetry data of the object.

    HCN schema 2.0.
    """

    State: int
    """State of the object, as a number.

    HCN schema 2.0.
    """


class GuestNamespace(TypedDict, total=False):
    """Network namespace inside a guest."""

    ID: str
    """GUID of the object in lower case, without braces.

    A GUID. HCN schema 2.0.
    """

    Owner: str
    """Name of whoever created the object.

    HCN schema 2.0.
    """

    Name: str
    """Name for people; HCN knows the object by its `ID`.

    HCN schema 2.0.
    """

    Version: int
    """Version that HCN reports with the object, as one number; not that of the schema.

    HCN schema 2.0.
    """

    AdditionalParams: Any
    """Additional parameters, in a form that depends on the kind of object.

    HCN schema 2.0.
    """

    Health: Health
    """Health information of the object.

    HCN schema 2.0.
    """

    SchemaVersion: HcnVersion
    """Schema that the document follows, `{"Major": 2, "Minor": 0}`.

    HCN schema 2.0.
    """

    Telemetry: Telemetry
    """Telemetry data of the object.

    HCN schema 2.0.
    """

    State: int
    """State of the object, as a number.

    HCN schema 2.0.
    """

    CompartmentId: int
    """Number of the network compartment in the guest.

    HCN schema 2.0.
    """

    Resources: list[NamespaceResource_2]
    """Endpoints and containers in the namespace.

    HCN schema 2.0.
    """


class GuestNetworkService(TypedDict, total=False):
    """Service that configures the network inside one virtual machine."""

    ID: str
    """GUID of the object in lower case, without braces.

    A GUID. HCN schema 2.0.
    """

    Owner: str
    """Name of whoever created the object; a query filter on it matches the exact text.

    HCN schema 2.0.
    """

    Name: str
    """Name for people; HCN knows the object by its `ID`.

    HCN schema 2.0.
    """

    Version: int
    """Version that HCN reports with the object, as one number; not that of the schema.

    HCN schema 2.0.
    """

    AdditionalParams: Any
    """Additional parameters, in a form that depends on the kind of object.

    HCN schema 2.0.
    """

    Health: Health
    """Health information of the object.

    HCN schema 2.0.
    """

    SchemaVersion: HcnVersion
    """Schema that the document follows, `{"Major": 2, "Minor": 0}`; a create document without it is read as an HNS
    (schema 1) document.

    HCN schema 2.0.
    """

    Telemetry: Telemetry
    """Telemetry data of the object.

    HCN schema 2.0.
    """

    State: int
    """State of the object, as a number.

    HCN schema 2.0.
    """

    VirtualMachineId: str
    """GUID of the virtual machine.

    A GUID. HCN schema 2.0.
    """

    MirroredInterfaces: list[GuestNetworkServiceInterface]
    """Host interfaces that the guest mirrors, with their state.

    HCN schema 2.2.
    """

    MirrorHostNetworking: bool
    """Whether the guest mirrors the network of the host.

    HCN schema 2.5.
    """

    GnsRpcServerInformation: RpcConnectionInformation
    """How HCN reaches the RPC server that takes its requests for the guest.

    HCN schema 2.11.
    """

    Flags: int | GuestNetworkServiceFlags
    """Sum of `GuestNetworkServiceFlags` numbers, as Microsoft's WSL sends it.

    HCN schema 2.12.
    """


class GuestService(TypedDict, total=False):
    """Service inside a guest."""

    ID: str
    """GUID of the object in lower case, without braces.

    A GUID. HCN schema 2.0.
    """

    Owner: str
    """Name of whoever created the object.

    HCN schema 2.0.
    """

    Name: str
    """Name for people; HCN knows the object by its `ID`.

    HCN schema 2.0.
    """

    Version: int
    """Version that HCN reports with the object, as one number; not that of the schema.

    HCN schema 2.0.
    """

    AdditionalParams: Any
    """Additional parameters, in a form that depends on the kind of object.

    HCN schema 2.0.
    """

    Health: Health
    """Health information of the object.

    HCN schema 2.0.
    """

    SchemaVersion: HcnVersion
    """Schema that the document follows, `{"Major": 2, "Minor": 0}`.

    HCN schema 2.0.
    """

    Telemetry: Telemetry
    """Telemetry data of the object.

    HCN schema 2.0.
    """

    State: int
    """State of the object, as a number.

    HCN schema 2.0.
    """

    ServiceId: str
    """GUID of the service.

    A GUID. HCN schema 2.0.
    """

    Base64EncodedData: str
    """Data of the service in base64.

    HCN schema 2.0.
    """


class HostComputeEndpoint(TypedDict, total=False):
    """Connection of one network adapter to a network, with its addresses and policies. An endpoint that was attached to
    a compute system cannot be attached to another.
    """

    ID: str
    """GUID of the object in lower case, without braces.

    A GUID. HCN schema 2.0.
    """

    Owner: str
    """Name of whoever created the object; a query filter on it matches the exact text.

    HCN schema 2.0.
    """

    Name: str
    """Name for people; HCN knows the object by its `ID`.

    HCN schema 2.0.
    """

    Version: int
    """Version that HCN reports with the object, as one number; not that of the schema.

    HCN schema 2.0.
    """

    AdditionalParams: Any
    """Additional parameters, in a form that depends on the kind of object.

    HCN schema 2.0.
    """

    Health: Health
    """Health information of the object.

    HCN schema 2.0.
    """

    SchemaVersion: HcnVersion
    """Schema that the document follows, `{"Major": 2, "Minor": 0}`; a create document without it is read as an HNS
    (schema 1) document.

    HCN schema 2.0.
    """

    Telemetry: Telemetry
    """Telemetry data of the object.

    HCN schema 2.0.
    """

    State: int
    """State of the object, as a number.

    HCN schema 2.0.
    """

    HostComputeNetwork: str
    """GUID of the network the endpoint is on.

    A GUID. HCN schema 2.0.
    """

    HostComputeNamespace: str
    """GUID of the namespace the endpoint is in, as HCN reports it; creating the endpoint does not set it.

    A GUID. HCN schema 2.0.
    """

    Policies: list[EndpointPolicy]
    """Policies of the endpoint. A `PortMapping` works only if the endpoint is created with it.

    HCN schema 2.0.
    """

    IpConfigurations: list[IpConfig]
    """IP addresses of the endpoint; HCN allocates them where none are given.

    HCN schema 2.0.
    """

    Dns: DNS
    """DNS settings of the endpoint.

    HCN schema 2.0.
    """

    Routes: list[Route]
    """Routes of the endpoint, such as the default route to the gateway.

    HCN schema 2.0.
    """

    MacAddress: str
    """MAC address such as `00-15-5D-52-C0-00`.

    HCN schema 2.0.
    """

    Flags: int | EndpointFlags
    """Sum of `EndpointFlags` numbers; HCN refuses their names.

    HCN schema 2.0.
    """


class HostComputeLoadBalancer(TypedDict, total=False):
    """Load balancer that spreads connections over endpoints."""

    ID: str
    """GUID of the object in lower case, without braces.

    A GUID. HCN schema 2.0.
    """

    Owner: str
    """Name of whoever created the object; a query filter on it matches the exact text.

    HCN schema 2.0.
    """

    Name: str
    """Name for people; HCN knows the object by its `ID`.

    HCN schema 2.0.
    """

    Version: int
    """Version that HCN reports with the object, as one number; not that of the schema.

    HCN schema 2.0.
    """

    AdditionalParams: Any
    """Additional parameters, in a form that depends on the kind of object.

    HCN schema 2.0.
    """

    Health: Health
    """Health information of the object.

    HCN schema 2.0.
    """

    SchemaVersion: HcnVersion
    """Schema that the document follows, `{"Major": 2, "Minor": 0}`; a create document without it is read as an HNS
    (schema 1) document.

    HCN schema 2.0.
    """

    Telemetry: Telemetry
    """Telemetry data of the object.

    HCN schema 2.0.
    """

    State: int
    """State of the object, as a number.

    HCN schema 2.0.
    """

    HostComputeNetwork: str
    """GUID of the load balancer's network.

    HCN schema 2.5.
    """

    HostComputeEndpoints: list[str]
    """GUIDs of the endpoints that serve the connections.

    HCN schema 2.0.
    """

    SourceVIP: str
    """Source IP address of the connections the load balancer passes on.

    HCN schema 2.0.
    """

    FrontendVIPs: list[str]
    """IP addresses at which clients reach the load balancer.

    HCN schema 2.0.
    """

    PortMappings: list[LoadBalancerPortMapping]
    """Ports to balance and where they lead.

    HCN schema 2.0.
    """

    Flags: int | LoadBalancerFlags
    """Sum of `LoadBalancerFlags` numbers; HCN refuses their names.

    HCN schema 2.0.
    """


class HostComputeNamespace(TypedDict, total=False):
    """Network namespace, which groups the endpoints of one container or guest."""

    ID: str
    """GUID of the object in lower case, without braces.

    A GUID. HCN schema 2.0.
    """

    Owner: str
    """Name of whoever created the object; a query filter on it matches the exact text.

    HCN schema 2.0.
    """

    Name: str
    """Name for people; HCN knows the object by its `ID`.

    HCN schema 2.0.
    """

    Version: int
    """Version that HCN reports with the object, as one number; not that of the schema.

    HCN schema 2.0.
    """

    AdditionalParams: Any
    """Additional parameters, in a form that depends on the kind of object.

    HCN schema 2.0.
    """

    Health: Health
    """Health information of the object.

    HCN schema 2.0.
    """

    SchemaVersion: HcnVersion
    """Schema that the document follows, `{"Major": 2, "Minor": 0}`; a create document without it is read as an HNS
    (schema 1) document.

    HCN schema 2.0.
    """

    Telemetry: Telemetry
    """Telemetry data of the object.

    HCN schema 2.0.
    """

    State: int
    """State of the object, as a number.

    HCN schema 2.0.
    """

    NamespaceId: int
    """Number of the namespace; its GUID is in `ID`.

    HCN schema 2.0.
    """

    NamespaceGuid: str
    """GUID of the namespace.

    A GUID. HCN schema 2.0.
    """

    Type: NamespaceType
    """Kind of namespace; a container needs a `Host` namespace of its own.

    HCN schema 2.0.
    """

    Resources: list[NamespaceResource]
    """Endpoints and containers in the namespace.

    HCN schema 2.0.
    """


class HostComputePolicyList(TypedDict, total=False):
    """List of policies that apply to several objects together."""

    ID: str
    """GUID of the object in lower case, without braces.

    A GUID. HCN schema 2.0.
    """

    Owner: str
    """Name of whoever created the object; a query filter on it matches the exact text.

    HCN schema 2.0.
    """

    Name: str
    """Name for people; HCN knows the object by its `ID`.

    HCN schema 2.0.
    """

    Version: int
    """Version that HCN reports with the object, as one number; not that of the schema.

    HCN schema 2.0.
    """

    AdditionalParams: Any
    """Additional parameters, in a form that depends on the kind of object.

    HCN schema 2.0.
    """

    Health: Health
    """Health information of the object.

    HCN schema 2.0.
    """

    SchemaVersion: HcnVersion
    """Schema that the document follows, `{"Major": 2, "Minor": 0}`; a create document without it is read as an HNS
    (schema 1) document.

    HCN schema 2.0.
    """

    Telemetry: Telemetry
    """Telemetry data of the object.

    HCN schema 2.0.
    """

    State: int
    """State of the object, as a number.

    HCN schema 2.0.
    """

    References: list[str]
    """Objects the policies apply to.

    HCN schema 2.0.
    """

    Policies: list[Any]
    """The policies, each in the form of its type.

    HCN schema 2.0.
    """


class HostComputeRoute(TypedDict, total=False):
    """Routes of the software-defined network (SDN), shared by endpoints."""

    ID: str
    """GUID of the object in lower case, without braces.

    A GUID. HCN schema 2.0.
    """

    Owner: str
    """Name of whoever created the object; a query filter on it matches the exact text.

    HCN schema 2.0.
    """

    Name: str
    """Name for people; HCN knows the object by its `ID`.

    HCN schema 2.0.
    """

    Version: int
    """Version that HCN reports with the object, as one number; not that of the schema.

    HCN schema 2.0.
    """

    AdditionalParams: Any
    """Additional parameters, in a form that depends on the kind of object.

    HCN schema 2.0.
    """

    Health: Health
    """Health information of the object.

    HCN schema 2.0.
    """

    SchemaVersion: HcnVersion
    """Schema that the document follows, `{"Major": 2, "Minor": 0}`; a create document without it is read as an HNS
    (schema 1) document.

    HCN schema 2.0.
    """

    Telemetry: Telemetry
    """Telemetry data of the object.

    HCN schema 2.0.
    """

    State: int
    """State of the object, as a number.

    HCN schema 2.0.
    """

    HostComputeNetwork: str
    """GUID of the network the routes are in.

    HCN schema 2.5.
    """

    HostComputeEndpoints: list[str]
    """GUIDs of the endpoints the routes apply to.

    HCN schema 2.0.
    """

    Routes: list[SDNRoutePolicySetting]
    """The routes themselves; Microsoft's client calls this member `Setting`.

    HCN schema 2.0.
    """

    Setting: list[SDNRoutePolicySetting]
    """The routes under the name of Microsoft's client; the schema has `Routes`.

    In no published schema.
    """


class IpSubnet(TypedDict, total=False):
    """IP subnet: a range of addresses within a `Subnet`."""

    ID: str
    """GUID of the object in lower case, without braces.

    A GUID. HCN schema 2.0.
    """

    Owner: str
    """Name of whoever created the object.

    HCN schema 2.0.
    """

    Name: str
    """Name for people; HCN knows the object by its `ID`.

    HCN schema 2.0.
    """

    Version: int
    """Version that HCN reports with the object, as one number; not that of the schema.

    HCN schema 2.0.
    """

    AdditionalParams: Any
    """Additional parameters, in a form that depends on the kind of object.

    HCN schema 2.0.
    """

    Health: Health
    """Health information of the object.

    HCN schema 2.0.
    """

    SchemaVersion: HcnVersion
    """Schema that the object follows, `{"Major": 2, "Minor": 0}`; known clients give it in the outermost document only.

    HCN schema 2.0.
    """

    Telemetry: Telemetry
    """Telemetry data of the object.

    HCN schema 2.0.
    """

    State: int
    """State of the object, as a number.

    HCN schema 2.0.
    """

    IpAddressPrefix: str
    """Address prefix such as `192.168.100.0/24`.

    HCN schema 2.3.
    """

    Flags: int | IPSubnetFlags
    """Options of the IP subnet, as a number; in the `Flags` that were tried, HCN refuses names.

    HCN schema 2.5.
    """


class IPSubnetNetworkRequest(TypedDict, total=False):
    """Settings of a request to change the IP subnets within a subnet, resource type `IPSubnet`."""

    SubnetId: str
    """GUID of the subnet to change.

    A GUID. HCN schema 2.6.
    """

    IpSubnets: list[IpSubnet]
    """IP subnets to add, remove or update.

    HCN schema 2.6.
    """


class Subnet(TypedDict, total=False):
    """Subnet of a network, with its gateway as a route."""

    ID: str
    """GUID of the object in lower case, without braces.

    A GUID. HCN schema 2.0.
    """

    Owner: str
    """Name of whoever created the object.

    HCN schema 2.0.
    """

    Name: str
    """Name for people; HCN knows the object by its `ID`.

    HCN schema 2.0.
    """

    Version: int
    """Version that HCN reports with the object, as one number; not that of the schema.

    HCN schema 2.0.
    """

    AdditionalParams: Any
    """Additional parameters, in a form that depends on the kind of object.

    HCN schema 2.0.
    """

    Health: Health
    """Health information of the object.

    HCN schema 2.0.
    """

    SchemaVersion: HcnVersion
    """Schema that the object follows, `{"Major": 2, "Minor": 0}`; known clients give it in the outermost document only.

    HCN schema 2.0.
    """

    Telemetry: Telemetry
    """Telemetry data of the object.

    HCN schema 2.0.
    """

    State: int
    """State of the object, as a number.

    HCN schema 2.0.
    """

    IpAddressPrefix: str
    """Address prefix such as `192.168.100.0/24`.

    HCN schema 2.0.
    """

    Policies: list[SubnetPolicy]
    """Policies of the subnet, such as its VLAN.

    HCN schema 2.0.
    """

    Routes: list[Route]
    """Routes of the subnet; a gateway is the `NextHop` of a default route.

    HCN schema 2.0.
    """

    IpSubnets: list[IpSubnet]
    """IP subnets, which are ranges of addresses within the subnet.

    HCN schema 2.3.
    """

    Flags: int | SubnetFlags
    """Sum of `SubnetFlags` numbers; HCN refuses their names.

    HCN schema 2.7.
    """


class Ipam(TypedDict, total=False):
    """IP address management of a network: how addresses are assigned and from which subnets."""

    Type: IpamType
    """How addresses are assigned.

    HCN schema 2.0.
    """

    Subnets: list[Subnet]
    """Subnets the addresses come from.

    HCN schema 2.0.
    """


class SubnetNetworkRequest(TypedDict, total=False):
    """Settings of a request to change the subnets of a network, resource type `Subnet`."""

    Subnets: list[Subnet]
    """Subnets to add, remove or update.

    HCN schema 2.6.
    """


class HostComputeNetwork(TypedDict, total=False):
    """Virtual network of the host; a host usually has no more than one of type `NAT`."""

    ID: str
    """GUID of the object in lower case, without braces.

    A GUID. HCN schema 2.0.
    """

    Owner: str
    """Name of whoever created the object; a query filter on it matches the exact text.

    HCN schema 2.0.
    """

    Name: str
    """Name for people; HCN knows the object by its `ID`.

    HCN schema 2.0.
    """

    Version: int
    """Version that HCN reports with the object, as one number; not that of the schema.

    HCN schema 2.0.
    """

    AdditionalParams: Any
    """Additional parameters, in a form that depends on the kind of object.

    HCN schema 2.0.
    """

    Health: Health
    """Health information of the object.

    HCN schema 2.0.
    """

    SchemaVersion: HcnVersion
    """Schema that the document follows, `{"Major": 2, "Minor": 0}`; a create document without it is read as an HNS
    (schema 1) document.

    HCN schema 2.0.
    """

    Telemetry: Telemetry
    """Telemetry data of the object.

    HCN schema 2.0.
    """

    State: int
    """State of the object, as a number.

    HCN schema 2.0.
    """

    Type: NetworkMode
    """Type of the network; HCN leaves it out of answers when it is `NAT`.

    HCN schema 2.0.
    """

    Policies: list[NetworkPolicy]
    """Policies of the network.

    HCN schema 2.0.
    """

    MacPool: MacPool
    """MAC addresses the network gives to its endpoints.

    HCN schema 2.0.
    """

    Dns: DNS
    """DNS settings that endpoints of the network get.

    HCN schema 2.0.
    """

    Ipams: list[Ipam]
    """How addresses are assigned and from which subnets.

    HCN schema 2.0.
    """

    Flags: int | NetworkFlags
    """Sum of `NetworkFlags` numbers; HCN refuses their names.

    HCN schema 2.0.
    """
