using System.Globalization;
using System.Net;

namespace Ginnel.Proxy;

/// <summary>Which way a rule leads.</summary>
public enum ProxyDirection : byte
{
    /// <summary>Listens on the tunnel, dials the host's network.</summary>
    Ingress,
    /// <summary>Listens on the host, dials through the tunnel.</summary>
    Egress,
}

/// <summary>One port and where it leads: <c>protocol:port:destination:destination_port</c>, as nexd writes it.</summary>
public sealed record ProxyRule
{
    /// <summary>Which way it leads.</summary>
    public required ProxyDirection Direction { get; init; }

    /// <summary>TCP or UDP.</summary>
    public required FlowProtocol Protocol { get; init; }

    /// <summary>The port that listens, 1–65,535.</summary>
    public required int Port { get; init; }

    /// <summary>An <see cref="IPEndPoint"/>, or a <see cref="DnsEndPoint"/> that the side resolves to which the rule leads.</summary>
    public required EndPoint Target { get; init; }

    /// <summary>What else was said, behind commas.</summary>
    public RuleOptions Options { get; init; } = RuleOptions.None;

    /// <summary>What listens. Rules with one key share its connections.</summary>
    public RuleKey Key => new(Direction, Protocol, Port, Options.Bind);

    /// <summary>As the command line takes it.</summary>
    public string AsFlag => $"--{(Direction == ProxyDirection.Ingress ? "ingress" : "egress")} {this}";

    /// <summary>The rule as it was parsed.</summary>
    public override string ToString()
    {
        string target = Target is DnsEndPoint name ? string.Create(CultureInfo.InvariantCulture, $"{name.Host}:{name.Port}") : Target.ToString()!;
        return string.Create(CultureInfo.InvariantCulture, $"{(Protocol == FlowProtocol.Tcp ? "tcp" : "udp")}:{Port}:{target}{Options}");
    }
}

/// <summary>A port that listens, for one rule or several.</summary>
/// <param name="Direction">On which side.</param>
/// <param name="Protocol">TCP or UDP.</param>
/// <param name="Port">Its number.</param>
/// <param name="Bind">The address; null for all.</param>
public readonly record struct RuleKey(ProxyDirection Direction, FlowProtocol Protocol, int Port, IPAddress? Bind)
{
    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"{(Direction == ProxyDirection.Ingress ? "ingress" : "egress")} {(Protocol == FlowProtocol.Tcp ? "tcp" : "udp")}:{Port}{(Bind is null ? "" : $" on {Bind}")}");
}
