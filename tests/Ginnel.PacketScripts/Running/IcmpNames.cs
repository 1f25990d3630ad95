using System.Globalization;
using Ginnel.PacketScripts.Syntax;

namespace Ginnel.PacketScripts.Running;

/// <summary>Types and codes of ICMP by the names that scripts use, or as <c>type_3</c> and <c>code_1</c>.</summary>
internal static class IcmpNames
{
    private static readonly Dictionary<string, byte> TypesV4 = new()
    {
        ["echo_reply"] = 0, ["unreachable"] = 3, ["source_quench"] = 4, ["redirect"] = 5, ["echo_request"] = 8, ["time_exceeded"] = 11,
        ["parameter_problem"] = 12, ["timestamp_request"] = 13, ["timestamp_reply"] = 14, ["information_request"] = 15, ["information_reply"] = 16,
        ["address_mask_request"] = 17, ["address_mask_reply"] = 18,
    };

    private static readonly Dictionary<string, byte> CodesV4 = new()
    {
        ["net_unreachable"] = 0, ["host_unreachable"] = 1, ["protocol_unreachable"] = 2, ["port_unreachable"] = 3, ["frag_needed"] = 4,
        ["source_route_failed"] = 5, ["net_unknown"] = 6, ["host_unknown"] = 7, ["source_host_isolated"] = 8, ["net_prohibited"] = 9,
        ["host_prohibited"] = 10, ["net_unreachable_for_tos"] = 11, ["host_unreachable_for_tos"] = 12, ["packet_filtered"] = 13, ["pkt_filtered"] = 13,
        ["precedence_violation"] = 14, ["precedence_cutoff"] = 15, ["exceeded_ttl"] = 0, ["exceeded_frag_time"] = 1,
    };

    private static readonly Dictionary<string, byte> TypesV6 = new()
    {
        ["unreachable"] = 1, ["packet_too_big"] = 2, ["time_exceeded"] = 3, ["parameter_problem"] = 4, ["echo_request"] = 128, ["echo_reply"] = 129,
    };

    private static readonly Dictionary<string, byte> CodesV6 = new()
    {
        ["net_unreachable"] = 0, ["no_route"] = 0, ["admin_prohibited"] = 1, ["packet_filtered"] = 1, ["pkt_filtered"] = 1, ["not_neighbour"] = 2,
        ["address_unreachable"] = 3, ["host_unreachable"] = 3, ["port_unreachable"] = 4, ["exceeded_hop_limit"] = 0, ["exceeded_frag_time"] = 1,
        ["header_field"] = 0, ["unknown_next_header"] = 1, ["unknown_option"] = 2,
    };

    internal static (byte Type, byte Code) Parse(int line, IcmpAction icmp, bool isV6)
    {
        byte type = Find(line, "type", icmp.Type, isV6 ? TypesV6 : TypesV4, isV6);
        byte code = icmp.Code is { } name ? Find(line, "code", name, isV6 ? CodesV6 : CodesV4, isV6) : (byte)0;
        if (icmp.Mtu is not null && (isV6 ? type != 2 : type != 3 || code != 4))
            throw new ScriptException(line, $"an MTU belongs to {(isV6 ? "packet_too_big" : "unreachable frag_needed")}");
        return (type, code);
    }

    private static byte Find(int line, string what, string name, Dictionary<string, byte> names, bool isV6)
    {
        if (names.TryGetValue(name, out byte number)) return number;
        string prefix = what + "_";
        if (name.StartsWith(prefix, StringComparison.Ordinal) && byte.TryParse(name.AsSpan(prefix.Length), CultureInfo.InvariantCulture, out number)) return number;
        throw new ScriptException(line, $"the ICMP {what} '{name}' is not known in {(isV6 ? "IPv6" : "IPv4")}");
    }
}
