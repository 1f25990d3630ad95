using System.Net;
using System.Text;
using Ginnel.Sandbox.Resolver;

namespace Ginnel.Sandbox.Launch;

/// <summary>What the hidden verb is told over the control socket: everything but the command, which stands in its own arguments.</summary>
internal sealed class LaunchSheet
{
    public required bool UsesTun { get; init; }
    public required bool OpensLoopback { get; init; }
    public required string InterfaceName { get; init; }
    public required int Mtu { get; init; }
    public required bool DropsCapabilities { get; init; }
    public required ulong IgnoredSignals { get; init; }
    public required ulong BlockedSignals { get; init; }
    public required uint PingFirst { get; init; }
    public required uint PingLast { get; init; }
    public required string ResolverText { get; init; }
    public required IReadOnlyList<MountStep> Steps { get; init; }
    public AddressPlan? V4 { get; init; }
    public AddressPlan? V6 { get; init; }

    public byte[] Serialize()
    {
        using MemoryStream bytes = new();
        using (BinaryWriter writer = new(bytes, Encoding.UTF8))
        {
            writer.Write(UsesTun);
            writer.Write(OpensLoopback);
            writer.Write(InterfaceName);
            writer.Write(Mtu);
            writer.Write(DropsCapabilities);
            writer.Write(IgnoredSignals);
            writer.Write(BlockedSignals);
            writer.Write(PingFirst);
            writer.Write(PingLast);
            writer.Write(ResolverText);
            writer.Write(Steps.Count);
            foreach (MountStep step in Steps)
            {
                writer.Write((byte)step.Action);
                writer.Write(step.Target);
                writer.Write(step.Source);
            }
            writer.Write(V4?.Subnet.ToString() ?? "");
            writer.Write(V6?.Subnet.ToString() ?? "");
        }
        return bytes.ToArray();
    }

    public static LaunchSheet Read(Stream stream)
    {
        using BinaryReader reader = new(stream, Encoding.UTF8);
        return new LaunchSheet
        {
            UsesTun = reader.ReadBoolean(),
            OpensLoopback = reader.ReadBoolean(),
            InterfaceName = reader.ReadString(),
            Mtu = reader.ReadInt32(),
            DropsCapabilities = reader.ReadBoolean(),
            IgnoredSignals = reader.ReadUInt64(),
            BlockedSignals = reader.ReadUInt64(),
            PingFirst = reader.ReadUInt32(),
            PingLast = reader.ReadUInt32(),
            ResolverText = reader.ReadString(),
            Steps = ReadSteps(reader),
            V4 = ReadPlan(reader),
            V6 = ReadPlan(reader),
        };
    }

    private static List<MountStep> ReadSteps(BinaryReader reader)
    {
        int count = reader.ReadInt32();
        List<MountStep> steps = [];
        for (int i = 0; i < count; i++) steps.Add(new MountStep((MountAction)reader.ReadByte(), reader.ReadString(), reader.ReadString()));
        return steps;
    }

    private static AddressPlan? ReadPlan(BinaryReader reader) =>
        reader.ReadString() is { Length: > 0 } subnet ? AddressPlan.For(IPNetwork.Parse(subnet)) : null;
}
