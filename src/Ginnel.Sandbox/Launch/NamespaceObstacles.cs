namespace Ginnel.Sandbox.Launch;

/// <summary>Why kernels refuse namespaces to ordinary users: each known switch, with the words that turn it.</summary>
internal static class NamespaceObstacles
{
    private const int SeccompFilter = 2;

    /// <summary>What would help on this machine.</summary>
    public static string Remedy(bool asOrdinaryUser) =>
        Find(asOrdinaryUser).FirstOrDefault() is { Remedy: { } remedy }
            ? remedy
            : "If this is a container, its security profile forbids unshare: start it with --security-opt seccomp=unconfined "
                + "(or --privileged). 'ginnel doctor' tells more.";

    /// <summary>Every obstacle in sight, with its remedy.</summary>
    public static IEnumerable<(string Cause, string Remedy)> Find(bool asOrdinaryUser)
    {
        if (asOrdinaryUser)
        {
            if (Read("/proc/sys/user/max_user_namespaces") is 0)
                yield return ("user.max_user_namespaces is 0", "Allow them: sudo sysctl user.max_user_namespaces=15000");
            if (Read("/proc/sys/kernel/unprivileged_userns_clone") is 0)
                yield return ("kernel.unprivileged_userns_clone is 0", "Allow them: sudo sysctl kernel.unprivileged_userns_clone=1");
            if (Read("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") is 1)
            {
                yield return ("AppArmor takes the capabilities away in unprivileged user namespaces (Ubuntu 23.10 and later)",
                    "Allow them: sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0, "
                    + "or give ginnel an AppArmor profile with 'userns,'");
            }
        }
        if (Read("/proc/sys/user/max_net_namespaces") is 0)
            yield return ("user.max_net_namespaces is 0", "Allow them: sudo sysctl user.max_net_namespaces=15000");
        if (Read("/proc/sys/user/max_mnt_namespaces") is 0)
            yield return ("user.max_mnt_namespaces is 0", "Allow them: sudo sysctl user.max_mnt_namespaces=15000");
        if (Linux.Launch.ProcStatus.Number("/proc/self/status", "Seccomp") == SeccompFilter)
        {
            yield return ("a seccomp filter is in force, as containers have it, and probably refuses unshare",
                "Start the container with --security-opt seccomp=unconfined, or with --privileged");
        }
    }

    /// <summary>A number in /proc/sys; null when there is no such switch.</summary>
    public static long? Read(string path)
    {
        try
        {
            return File.Exists(path) && long.TryParse(File.ReadAllText(path).Trim(), out long value) ? value : null;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
