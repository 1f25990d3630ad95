using System.Net.Sockets;
using Ginnel.Netstack;

namespace Ginnel.Tests;

public sealed class DialFailuresTests
{
    public static TheoryData<DialFailureKind> Kinds => [.. Enum.GetValues<DialFailureKind>()];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Each_kind_has_a_code_and_a_text(DialFailureKind kind)
    {
        Assert.Equal(kind == DialFailureKind.None, DialFailures.ToSocketError(kind) == SocketError.Success);
        Assert.Contains("why", DialFailures.ToText(new DialFailure(kind, "why")), StringComparison.Ordinal);
    }

    // What a dialer learns from the host's sockets, a stack must be able to say, and a program must be able to read again.
    [Theory]
    [InlineData(SocketError.ConnectionRefused)]
    [InlineData(SocketError.HostUnreachable)]
    [InlineData(SocketError.NetworkUnreachable)]
    [InlineData(SocketError.AccessDenied)]
    public void A_failure_survives_the_way_through_a_stack(SocketError error)
    {
        NetworkFailure network = DialFailures.ToNetworkFailure(DialFailures.From(error).Kind);
        Assert.Equal(error, DialFailures.ToSocketError(DialFailures.From(network).Kind));
    }

    [Theory]
    [InlineData(SocketError.TooManyOpenSockets, DialFailureKind.Limit)]
    [InlineData(SocketError.HostNotFound, DialFailureKind.NameNotFound)]
    [InlineData(SocketError.TimedOut, DialFailureKind.TimedOut)]
    [InlineData(SocketError.AddressFamilyNotSupported, DialFailureKind.Unsupported)]
    [InlineData(SocketError.Success, DialFailureKind.None)]
    public void Host_errors_have_their_kind(SocketError error, DialFailureKind kind) => Assert.Equal(kind, DialFailures.From(error).Kind);

    [Fact]
    public void Over_a_limit_a_stack_stays_silent() => Assert.Equal(NetworkFailure.None, DialFailures.ToNetworkFailure(DialFailureKind.Limit));

    [Fact]
    public void A_path_too_small_says_how_large_it_is() => Assert.Equal(1280, DialFailures.From(NetworkFailure.PacketTooBig, 1280).Mtu);
}
