namespace Ginnel.Linux.Launch;

/// <summary>Where execvp(3) looks for a program, for whoever executes or spawns it.</summary>
internal static class ProgramSearch
{
    private static readonly byte[] DefaultPath = "/bin:/usr/bin"u8.ToArray();

    /// <summary>Tries every file that the command's name may mean, until one is no refusal.</summary>
    /// <param name="command">The program's name and its arguments.</param>
    /// <param name="environment">The program's, whose PATH counts.</param>
    /// <param name="attempt">Executes a file with arguments; 0, or the error number.</param>
    /// <returns>0, or the error number that execvp would leave.</returns>
    public static int Try(IReadOnlyList<byte[]> command, IReadOnlyList<byte[]> environment, Func<byte[], IReadOnlyList<byte[]>, int> attempt)
    {
        byte[] name = command[0];
        if (name.AsSpan().IndexOf((byte)'/') >= 0) return TryFile(name, command, attempt);
        int denied = 0;
        foreach (byte[] path in Candidates(name, environment))
        {
            // An attempt may cost a process; most folders of a PATH have no such file.
            if (!AccessCheck.IsThere(path)) continue;
            int error = TryFile(path, command, attempt);
            if (error is Errno.Access) denied = error;
            else if (error is not (Errno.NoEntry or Errno.NotDirectory)) return error;
        }
        return denied != 0 ? denied : Errno.NoEntry;
    }

    private static int TryFile(byte[] path, IReadOnlyList<byte[]> command, Func<byte[], IReadOnlyList<byte[]>, int> attempt)
    {
        int error = attempt(path, command);
        if (error != Errno.NoExec) return error;
        // A script without "#!" is the shell's (execvp(3)).
        byte[] shell = "/bin/sh"u8.ToArray();
        return attempt(shell, [shell, path, .. command.Skip(1)]);
    }

    private static IEnumerable<byte[]> Candidates(byte[] name, IReadOnlyList<byte[]> environment)
    {
        byte[] search = DefaultPath;
        foreach (byte[] entry in environment)
        {
            if (!entry.AsSpan().StartsWith("PATH="u8)) continue;
            search = entry[5..];
            break;
        }
        int start = 0;
        while (start <= search.Length)
        {
            int end = Array.IndexOf(search, (byte)':', start);
            if (end < 0) end = search.Length;
            // An empty element is the current folder.
            yield return end == start ? [(byte)'.', (byte)'/', .. name] : [.. search[start..end], (byte)'/', .. name];
            start = end + 1;
        }
    }
}
