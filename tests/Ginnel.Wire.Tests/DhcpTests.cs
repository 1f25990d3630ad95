using Xunit;

namespace Ginnel.Wire.Tests;

public sealed class DhcpTests
{
    [Fact]
    public void AnOfferRoundTrips()
    {
        byte[] message = Offer();
        Assert.Equal(DropReason.None, DhcpView.TryParse(message, out DhcpView view));
        Assert.True(view is { IsReply: true, TransactionId: 0xDEADBEEF, Seconds: 3, IsBroadcast: true, MessageType: DhcpMessageType.Offer });
        Assert.Equal(Sample.MacA, view.ClientMac);
        Assert.Equal(IpAddress.Parse("10.0.2.15"), view.YourAddress);
        Assert.Equal(IpAddress.AnyV4, view.ClientAddress);
        Assert.Equal(IpAddress.Parse("10.0.2.2"), view.ServerAddress);
        Assert.True(view.TryGetAddress(DhcpOption.ServerIdentifier, out IpAddress server));
        Assert.Equal(IpAddress.Parse("10.0.2.2"), server);
        Assert.True(view.TryGetNumber(DhcpOption.LeaseTime, out uint lease));
        Assert.Equal(86400u, lease);
        Assert.True(view.TryGetNumber(DhcpOption.InterfaceMtu, out uint mtu));
        Assert.Equal(1500u, mtu);
        Assert.True(view.TryGetSingle(DhcpOption.DnsServer, out ReadOnlySpan<byte> servers));
        Assert.Equal(8, servers.Length);
        Assert.False(view.TryGetAddress(DhcpOption.DnsServer, out _));
        Assert.False(view.TryGetSingle(DhcpOption.HostName, out _));
        Assert.Equal(DhcpWriter.MinimumSize, message.Length);
    }

    [Fact]
    public void ALongOptionGoesInPiecesAndComesBackWhole()
    {
        byte[] buffer = new byte[1500], value = Sample.Bytes(700), join = new byte[700];
        DhcpWriter writer = new(buffer, default, DhcpMessageType.Acknowledge);
        Assert.True(writer.TryAddOption(DhcpOption.ClasslessRoutes, value));
        Assert.True(writer.TryAddOption(DhcpOption.HostName, []));
        Assert.Equal(DropReason.None, DhcpView.TryParse(buffer.AsSpan(0, writer.Finish()), out DhcpView view));
        Assert.True(view.TryGetOption(DhcpOption.ClasslessRoutes, join, out ReadOnlySpan<byte> whole));
        Assert.Equal(value, whole);
        Assert.False(view.TryGetOption(DhcpOption.ClasslessRoutes, join.AsSpan(0, 699), out _));
        Assert.False(view.TryGetSingle(DhcpOption.ClasslessRoutes, out _));
        Assert.True(view.TryGetSingle(DhcpOption.HostName, out ReadOnlySpan<byte> empty));
        Assert.True(empty.IsEmpty);
    }

    [Theory]
    [InlineData(1, "main file")]
    [InlineData(2, "main sname")]
    [InlineData(3, "main file sname")]
    public void OverloadedFieldsAreReadInTheOrderOfRfc3396(byte overload, string expected)
    {
        byte[] message = Overloaded(overload);
        Assert.Equal(DropReason.None, DhcpView.TryParse(message, out DhcpView view));
        Assert.True(view.TryGetOption(DhcpOption.Message, new byte[100], out ReadOnlySpan<byte> value));
        Assert.Equal(expected.Replace(" ", ""), System.Text.Encoding.ASCII.GetString(value));
    }

    [Fact]
    public void AnOverloadInsideAnOverloadedFieldIsNotFollowed()
    {
        byte[] message = Overloaded(1);
        new byte[] { 52, 1, 3, 255 }.CopyTo(message, 108);
        message[44] = 99; // would be malformed if sname were read
        message[45] = 200;
        Assert.Equal(DropReason.None, DhcpView.TryParse(message, out _));
    }

    [Theory]
    [InlineData("past the end", "0CFF61")]
    [InlineData("code without length", "0C")]
    [InlineData("overload of two bytes", "34020101")]
    [InlineData("overload 4", "340104")]
    [InlineData("overload leads to rubbish", "340102")]
    public void MalformedOptionsAreRefused(string what, string hex)
    {
        byte[] message = [.. Offer()[..240], .. Convert.FromHexString(hex)];
        message[44] = 12;
        message[45] = 64;
        Assert.True(DhcpView.TryParse(message, out _) == DropReason.BadOption, what);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(236)]
    public void AnotherOperationHardwareOrCookieIsRefused(int at)
    {
        byte[] message = Offer();
        message[at] = 0x77;
        Assert.Equal(DropReason.BadField, DhcpView.TryParse(message, out _));
    }

    [Fact]
    public void OptionsStopAtTheBuffersEnd()
    {
        byte[] buffer = new byte[DhcpWriter.MinimumSize];
        DhcpWriter writer = new(buffer, default, DhcpMessageType.Offer);
        Assert.False(writer.TryAddOption(DhcpOption.HostName, new byte[100]));
        Assert.True(writer.TryAddOption(DhcpOption.HostName, new byte[54]));
        Assert.False(writer.TryAddAddresses(DhcpOption.Router, Sample.V4A));
        Assert.Equal(300, writer.Finish());
        Assert.Equal(255, buffer[299]);
        Assert.Equal(DropReason.None, DhcpView.TryParse(buffer, out _));
    }

    [Fact]
    public void AnUnknownMessageTypeIsNone()
    {
        byte[] message = Offer();
        message[242] = 99;
        Assert.Equal(DropReason.None, DhcpView.TryParse(message, out DhcpView view));
        Assert.Equal(DhcpMessageType.None, view.MessageType);
    }

    internal static byte[] Offer()
    {
        byte[] buffer = new byte[576];
        DhcpHeader header = new()
        {
            IsReply = true, TransactionId = 0xDEADBEEF, Seconds = 3, IsBroadcast = true, ClientMac = Sample.MacA,
            YourAddress = IpAddress.Parse("10.0.2.15"), ServerAddress = IpAddress.Parse("10.0.2.2"),
        };
        DhcpWriter writer = new(buffer, header, DhcpMessageType.Offer);
        Assert.True(writer.TryAddAddresses(DhcpOption.ServerIdentifier, IpAddress.Parse("10.0.2.2")));
        Assert.True(writer.TryAddUInt32(DhcpOption.LeaseTime, 86400));
        Assert.True(writer.TryAddUInt16(DhcpOption.InterfaceMtu, 1500));
        Assert.True(writer.TryAddAddresses(DhcpOption.DnsServer, IpAddress.Parse("10.0.2.3"), IpAddress.Parse("10.0.2.4")));
        return buffer[..writer.Finish()];
    }

    internal static byte[] Overloaded(byte overload)
    {
        byte[] message = [.. Offer()[..240], 52, 1, overload, 56, 4, .. "main"u8, 255];
        new byte[] { 56, 5, (byte)'s', (byte)'n', (byte)'a', (byte)'m', (byte)'e', 255 }.CopyTo(message, 44);
        new byte[] { 0, 56, 4, (byte)'f', (byte)'i', (byte)'l', (byte)'e', 255 }.CopyTo(message, 108);
        return message;
    }
}
