using Ginnel.Linux.Launch;
using Ginnel.Sandbox.Identity;
using Ginnel.Sandbox.Resolver;

namespace Ginnel.Sandbox.Launch;

/// <summary>Everything that is known before the child starts.</summary>
internal sealed record LaunchContext(
    LaunchOptions Options,
    SystemTools Tools,
    InheritedState Inherited,
    IdentityPlan Identity,
    IReadOnlyList<MountStep> MountSteps,
    string ResolverText)
{
    /// <summary>Looks at this machine and at the options.</summary>
    /// <exception cref="LaunchException">The options cannot be met.</exception>
    public static LaunchContext Prepare(LaunchOptions options)
    {
        LaunchOptions valid = Validate(options);
        SystemTools tools = new();
        InheritedState inherited = InheritedState.Read(valid.Caller.IgnoredSignals, valid.Caller.OpenFiles);
        Executable.Require(valid.Command[0], inherited.Environment);
        IdentityPlan identity = IdentityPlan.Decide(tools, valid.AsRoot);
        if (tools.Unshare is null && DirectLaunch.Obstacle(identity.Mapping, inherited) is not null)
        {
            throw new LaunchException(LaunchFailure.ToolMissing, "unshare is not installed.",
                "Install util-linux (apt install util-linux, apk add util-linux-misc).");
        }
        // One is enough, over whichever family there is: both are the same server.
        IEnumerable<System.Net.IPAddress> nameServers = [(valid.V4 ?? valid.V6!).NameServer];
        string text = valid.ResolverConfiguration ?? ComposeResolver(nameServers);
        return new LaunchContext(valid, tools, inherited, identity, ResolverCover.Plan(), text);
    }

    private static string ComposeResolver(IEnumerable<System.Net.IPAddress> nameServers) =>
        Resolver.ResolverText.Compose(nameServers, ResolverCover.ResolverFile);

    private static LaunchOptions Validate(LaunchOptions options)
    {
        if (options.Command.Count == 0) throw new LaunchException(LaunchFailure.BadOptions, "No command was given.");
        if (options.Mtu is < LaunchOptions.SmallestMtu or > LaunchOptions.GreatestMtu)
        {
            throw new LaunchException(LaunchFailure.BadOptions, $"An MTU of {options.Mtu} is not possible.",
                $"It must lie between {LaunchOptions.SmallestMtu} and {LaunchOptions.GreatestMtu}.");
        }
        if (options.InterfaceName.Length is 0 or > 15 || !options.InterfaceName.All(char.IsAsciiLetterOrDigit))
        {
            throw new LaunchException(LaunchFailure.BadOptions, $"The interface name '{options.InterfaceName}' is not possible.",
                "Use 1 to 15 ASCII letters and digits.");
        }
        bool hasV6 = options.V6 is not null && options.Mtu >= LaunchOptions.SmallestMtuV6 && NetworkScript.HasIpv6;
        if (options.V4 is null && !hasV6)
        {
            throw new LaunchException(LaunchFailure.BadOptions, "Neither IPv4 nor IPv6 would be there.",
                $"Allow IPv4, or use an MTU of at least {LaunchOptions.SmallestMtuV6} on a kernel with IPv6.");
        }
        return hasV6 == (options.V6 is not null) ? options : options.WithoutV6();
    }
}
