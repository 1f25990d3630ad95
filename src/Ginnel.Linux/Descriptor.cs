using System.Runtime.InteropServices;
using Ginnel.Linux.Native;

namespace Ginnel.Linux;

/// <summary>An owned file descriptor, close-on-exec unless stated, closed with the handle.</summary>
public sealed class Descriptor : SafeHandle
{
    /// <summary>An empty handle, for the marshaller.</summary>
    public Descriptor() : base(-1, ownsHandle: true)
    {
    }

    /// <summary>Takes ownership of an open descriptor.</summary>
    public Descriptor(int number) : base(-1, ownsHandle: true) => SetHandle(number);

    /// <inheritdoc/>
    public override bool IsInvalid => handle < 0;

    /// <summary>
    /// The descriptor's number; -1 once it is closed, so that a late call fails instead of hitting whoever got the number next.
    /// </summary>
    public int Number => IsClosed ? -1 : (int)handle;

    /// <summary>Makes reads and writes return instead of waiting.</summary>
    /// <exception cref="LinuxException">fcntl failed.</exception>
    public void SetNonBlocking()
    {
        int flags = Descriptors.fcntl(Number, Descriptors.GetFlags, 0);
        if (flags < 0 || Descriptors.fcntl(Number, Descriptors.SetFlags, flags | Descriptors.NonBlock) < 0)
        {
            throw LinuxException.Last("fcntl", "O_NONBLOCK");
        }
    }

    /// <inheritdoc/>
    protected override bool ReleaseHandle() => Descriptors.close((int)handle) == 0;
}
