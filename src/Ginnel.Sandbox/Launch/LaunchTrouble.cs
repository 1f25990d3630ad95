namespace Ginnel.Sandbox.Launch;

/// <summary>Turns a step's failure into what the user reads: cause and remedy.</summary>
internal static class LaunchTrouble
{
    private const int ToolNotFound = 127, ToolNotExecutable = 126;

    /// <param name="code">The exit code of the child, or the one that the verb reported.</param>
    /// <param name="hasNamespaces">Whether the child got as far as into its namespaces.</param>
    /// <param name="said">What the failing tool or call said.</param>
    /// <param name="context">The launch.</param>
    public static LaunchException Explain(int code, bool hasNamespaces, string said, LaunchContext context)
    {
        if (!hasNamespaces && code is not (ToolNotFound or ToolNotExecutable))
        {
            string cause = context.Identity.NeedsUserNamespace ? "user, network and mount namespaces" : "network and mount namespaces";
            return new LaunchException(LaunchFailure.NamespacesRefused, $"This machine refused new {cause}: {said}",
                NamespaceObstacles.Remedy(context.Identity.NeedsUserNamespace));
        }
        return code switch
        {
            ShellScript.NoDevice => new LaunchException(LaunchFailure.DeviceRefused, $"/dev/net/tun could not be opened inside: {said}",
                "Load the module (modprobe tun) and let users open the device (chmod 0666 /dev/net/tun)."),
            ShellScript.NoNetwork => new LaunchException(LaunchFailure.NetworkRefused, $"Addresses and routes could not be set: {said}",
                "Is another subnet possible (--subnet)? Does the kernel have IPv6 (--no-ipv6)?"),
            ShellScript.NoCover => new LaunchException(LaunchFailure.ResolverNotCovered, $"/etc/resolv.conf could not be covered: {said}",
                "Names would be resolved past the sandbox, so it was not started. "
                + "Are mounts allowed in user namespaces here (security profile, container)?"),
            ToolNotFound or ToolNotExecutable => new LaunchException(LaunchFailure.ToolMissing, $"A step could not be executed: {said}",
                "Are /bin/sh and this program readable and executable for this user?"),
            _ => new LaunchException(LaunchFailure.Other, $"The launch failed: {said}"),
        };
    }
}
