using System.Globalization;
using Ginnel.Linux.Launch;
using Ginnel.Linux.Native;
using Ginnel.Sandbox.Launch;

namespace Ginnel.Sandbox.Identity;

/// <summary>Who the program is inside, decided before anything starts, and written by us once the namespace exists.</summary>
internal sealed class IdentityPlan
{
    private readonly IReadOnlyList<IdRange> _users;
    private readonly IReadOnlyList<IdRange> _groups;
    private readonly bool _byTool;
    private readonly SystemTools _tools;

    private IdentityPlan(IdentityMapping mapping, IReadOnlyList<IdRange> users, IReadOnlyList<IdRange> groups, bool byTool,
        SystemTools tools)
    {
        Mapping = mapping;
        _users = users;
        _groups = groups;
        _byTool = byTool;
        _tools = tools;
    }

    /// <summary>Which mapping is in force. Changes to the lone form when newuidmap refuses at the last moment.</summary>
    public IdentityMapping Mapping { get; private set; }

    /// <summary>Whether a user namespace is made at all.</summary>
    public bool NeedsUserNamespace => Mapping != IdentityMapping.NoUserNamespace;

    /// <summary>
    /// Whether the program is to lose the ambient and inheritable capabilities that unshare gave: an ordinary user then has none, and
    /// uid 0 inside gets its own by being uid 0, as bare.
    /// </summary>
    public bool DropsCapabilities => NeedsUserNamespace;

    /// <summary>The group ids that may open ping sockets inside: the widest range whose ends are mapped.</summary>
    public (uint First, uint Last) PingGroups { get; private set; } = (0, int.MaxValue);

    /// <summary>Decides from who we are and what this machine has.</summary>
    public static IdentityPlan Decide(SystemTools tools, bool asRoot)
    {
        const int CapSysAdmin = 21;
        uint uid = Processes.geteuid(), gid = Processes.getegid();
        ulong capabilities = ProcStatus.Mask("/proc/self/status", "CapEff") ?? 0;
        if ((capabilities & (1UL << CapSysAdmin)) != 0 && uid == 0)
            return new IdentityPlan(IdentityMapping.NoUserNamespace, [], [], false, tools);
        if (uid == 0) return WholeRange(tools);
        string? user = UserName(uid);
        IReadOnlyList<(uint, uint)> users = IdRange.ReadSubordinate("/etc/subuid", user, uid);
        IReadOnlyList<(uint, uint)> groups = IdRange.ReadSubordinate("/etc/subgid", user, uid);
        bool byTool = users.Count > 0 && groups.Count > 0 && tools.NewUidMap is not null && tools.NewGidMap is not null;
        if (!byTool) return Alone(tools, asRoot, uid, gid);
        IdentityMapping mapping = asRoot ? IdentityMapping.RootWithSubordinate : IdentityMapping.KeptWithSubordinate;
        IReadOnlyList<IdRange> userMap = IdRange.Around(asRoot ? 0 : uid, uid, users);
        IReadOnlyList<IdRange> groupMap = IdRange.Around(asRoot ? 0 : gid, gid, groups);
        return new IdentityPlan(mapping, userMap, groupMap, true, tools)
        {
            PingGroups = asRoot ? (0, 0) : (gid, gid),
        };
    }

    /// <summary>Writes the maps of a child that waits in its new user namespace.</summary>
    /// <exception cref="LaunchException">The kernel refused the maps.</exception>
    public void Apply(int pid)
    {
        if (!NeedsUserNamespace) return;
        bool hasUsers = _byTool && RunTool(_tools.NewUidMap!, pid, _users), hasGroups = _byTool && RunTool(_tools.NewGidMap!, pid, _groups);
        if (hasUsers && hasGroups) return;
        // Not setuid, or /etc/subuid changed under us: one id is better than none.
        if (_byTool) Mapping = Mapping == IdentityMapping.RootWithSubordinate ? IdentityMapping.RootAlone : IdentityMapping.KeptAlone;
        bool isAlone = Mapping is IdentityMapping.KeptAlone or IdentityMapping.RootAlone;
        try
        {
            // Without privilege a group map is accepted only after setgroups is given up (user_namespaces(7)).
            if (isAlone && !hasGroups) File.WriteAllText($"/proc/{pid}/setgroups", "deny");
            if (!hasGroups) Write($"/proc/{pid}/gid_map", isAlone ? [_groups[0]] : _groups);
            if (!hasUsers) Write($"/proc/{pid}/uid_map", isAlone ? [_users[0]] : _users);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new LaunchException(
                LaunchFailure.IdentityRefused,
                $"The kernel refused to map user and group ids of the sandbox: {failure.Message}",
                "If /etc/subuid names this user, check that newuidmap and newgidmap are setuid root (or have their file capabilities).",
                failure);
        }
    }

    private static IdentityPlan WholeRange(SystemTools tools)
    {
        // Root of a container: what is mapped for us is what we can map on. Our ids are the parent namespace's ids to the child.
        static IReadOnlyList<IdRange> Same(string path) =>
            [.. IdRange.ReadMap(path).Select(range => new IdRange(range.Inside, range.Inside, range.Count))];
        IReadOnlyList<IdRange> groups = Same("/proc/self/gid_map");
        uint lastGroup = groups.Count > 0 && groups[0].Inside == 0 ? Math.Min(groups[0].Count - 1, int.MaxValue) : 0;
        return new IdentityPlan(IdentityMapping.WholeRange, Same("/proc/self/uid_map"), groups, false, tools)
        {
            PingGroups = (0, lastGroup),
        };
    }

    private static IdentityPlan Alone(SystemTools tools, bool asRoot, uint uid, uint gid) =>
        new(
            asRoot ? IdentityMapping.RootAlone : IdentityMapping.KeptAlone,
            [new IdRange(asRoot ? 0 : uid, uid, 1)], [new IdRange(asRoot ? 0 : gid, gid, 1)], false, tools)
        {
            PingGroups = asRoot ? (0, 0) : (gid, gid),
        };

    private static void Write(string path, IReadOnlyList<IdRange> ranges) =>
        File.WriteAllText(path, string.Join('\n', ranges) + "\n"); // one write: the kernel takes a map whole or not at all

    private static bool RunTool(string tool, int pid, IReadOnlyList<IdRange> ranges)
    {
        List<string> words = [pid.ToString(CultureInfo.InvariantCulture)];
        foreach (IdRange range in ranges) words.AddRange(range.ToString().Split(' '));
        ProcessEvent ended = ChildProcess.Run(tool, [.. words]);
        return ended is { Kind: ProcessEventKind.Exited, Value: 0 };
    }

    private static string? UserName(uint uid)
    {
        string number = uid.ToString(CultureInfo.InvariantCulture);
        try
        {
            foreach (string line in File.ReadLines("/etc/passwd"))
            {
                string[] words = line.Split(':');
                if (words.Length > 2 && words[2] == number) return words[0];
            }
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // Without a name the number still serves: /etc/subuid may use either.
        }
        return null;
    }
}
