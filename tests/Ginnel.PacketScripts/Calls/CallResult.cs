using System.Globalization;
using Ginnel.PacketScripts.Syntax;

namespace Ginnel.PacketScripts.Calls;

/// <summary>What a call returned; <see cref="Blocks"/> when it has not.</summary>
internal readonly record struct CallResult(long Value, string? Errno = null, bool Blocks = false)
{
    internal static CallResult Ok => new(0);

    internal static CallResult Blocked => new(0, null, true);

    internal static CallResult Failed(string errno) => new(-1, errno);

    public override string ToString() => Errno is null ? Value.ToString(CultureInfo.InvariantCulture) : $"{Value} {Errno}";
}

/// <summary>A call that was made, perhaps not yet answered.</summary>
internal sealed class PendingCall(int line, SystemCall call, TimeSpan startedAt)
{
    internal int Line => line;
    internal SystemCall Call => call;
    internal string Name => call.Name;
    internal TimeSpan StartedAt => startedAt;

    /// <summary>Octets that a blocking write has already given to the stack.</summary>
    internal long Progress { get; set; }

    /// <summary>Whether it has been tried before.</summary>
    internal bool IsAgain { get; set; }

    internal ScriptException Error(string message) => new(line, $"{call.Name}: {message}");

    /// <summary>The argument as a number.</summary>
    internal long Number(int index) => call[index].Number ?? throw Error($"argument {index + 1} ({call[index]}) must be a number");

    /// <summary>The argument as a number; otherwise where the script left it open.</summary>
    internal long Number(int index, long otherwise) => call[index] is EllipsisValue ? otherwise : Number(index);

    /// <summary>The one word that the argument is, such as an option's name.</summary>
    internal string Word(int index) => call[index] is WordValue word ? word.Word : throw Error($"argument {index + 1} ({call[index]}) must be a name");

    /// <summary>The port of a socket address; null where the script left it open.</summary>
    internal ushort? Port(int index)
    {
        if (call[index] is not StructureValue address) return null;
        Value? port = address.Field("sin_port") ?? address.Field("sin6_port");
        return port is EllipsisValue or null ? null : (ushort)(port.Number ?? throw Error($"{port} is no port"));
    }

    /// <summary>Octets of all pieces of an I/O vector.</summary>
    internal int VectorLength(Value vector)
    {
        if (vector is not ListValue list) throw Error($"{vector} is no I/O vector");
        long length = 0;
        foreach (Value item in list.Items)
        {
            if (item is not StructureValue { Fields: [_, var size] } || size.Value.Number is not { } number) throw Error($"{item} is no piece of an I/O vector");
            length += number;
        }
        return (int)Math.Clamp(length, 0, 1 << 30);
    }
}
