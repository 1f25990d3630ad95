using System.Globalization;
using System.Net;
using System.Text;

namespace Ginnel.Proxy;

/// <summary>What may stand behind a rule: <c>,name=value</c>, each at most once.</summary>
public sealed record RuleOptions
{
    /// <summary>Nothing.</summary>
    public static RuleOptions None { get; } = new();

    /// <summary>The address that listens; null for all.</summary>
    public IPAddress? Bind { get; init; }

    /// <summary>A name for people; null for none.</summary>
    public string? Name { get; init; }

    /// <summary>A flow without traffic for so long is ended; null for what the protocol has.</summary>
    public TimeSpan? Idle { get; init; }

    /// <summary>Longest time that a dial may take; null for 15 s.</summary>
    public TimeSpan? ConnectTimeout { get; init; }

    /// <summary>Who may come; null for everybody.</summary>
    public IPNetwork? Source { get; init; }

    /// <summary>Flows at once; null for what the relay has.</summary>
    public int? Max { get; init; }

    /// <summary>The version of the PROXY protocol's header that tells the target who came: 1 or 2; null for none.</summary>
    public int? ProxyProtocol { get; init; }

    /// <summary>As it was parsed, each behind a comma.</summary>
    public override string ToString()
    {
        StringBuilder text = new();
        if (Bind is not null) text.Append(",bind=").Append(Bind);
        if (Name is not null) text.Append(",name=").Append(Name);
        if (Idle is { } idle) text.Append(CultureInfo.InvariantCulture, $",idle={RuleParser.Print(idle)}");
        if (ConnectTimeout is { } timeout) text.Append(CultureInfo.InvariantCulture, $",connect-timeout={RuleParser.Print(timeout)}");
        if (Source is { } source) text.Append(",source=").Append(source);
        if (ProxyProtocol is { } version) text.Append(CultureInfo.InvariantCulture, $",proxy-protocol=v{version}");
        if (Max is { } max) text.Append(CultureInfo.InvariantCulture, $",max={max}");
        return text.ToString();
    }
}
