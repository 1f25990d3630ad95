namespace Ginnel.Sandbox.Resolver;

/// <summary>What a step of a mount plan does.</summary>
internal enum MountAction : byte
{
    /// <summary>Mounts a small empty tmpfs on a folder.</summary>
    Empty = 1,
    /// <summary>Makes a folder, with its parents.</summary>
    MakeFolder = 2,
    /// <summary>Writes a file with the plan's text.</summary>
    WriteText = 3,
    /// <summary>Binds <see cref="MountStep.Source"/> on <see cref="MountStep.Target"/>.</summary>
    Bind = 4,
    /// <summary>Unmounts; what was bound out of there lives on.</summary>
    Unmount = 5,
    /// <summary>Binds <see cref="MountStep.Source"/> on a symbolic link itself rather than on what it leads to.</summary>
    BindOnLink = 6,
    /// <summary>Replaces a folder by a tmpfs in which every entry leads to the original one, so that entries can be added.</summary>
    Shadow = 7,
}

/// <summary>One step in the sandbox's mount namespace.</summary>
/// <param name="Action">What to do.</param>
/// <param name="Target">Where.</param>
/// <param name="Source">From where, for bindings; else empty.</param>
internal sealed record MountStep(MountAction Action, string Target, string Source = "");
