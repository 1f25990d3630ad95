using System.Net;
using System.Text;

namespace Ginnel.Proxy.Tests;

/// <summary>The PROXY protocol's header, byte for byte (proxy-protocol.txt sections 2.1 and 2.2).</summary>
public sealed class ProxyHeaderTests
{
    [Theory]
    [InlineData("192.0.2.1:5", "198.51.100.2:443", "PROXY TCP4 192.0.2.1 198.51.100.2 5 443\r\n")]
    [InlineData("[2001:db8::1]:65535", "[2001:db8::2]:1", "PROXY TCP6 2001:db8::1 2001:db8::2 65535 1\r\n")]
    [InlineData("[::ffff:192.0.2.1]:5", "[::ffff:198.51.100.2]:443", "PROXY TCP4 192.0.2.1 198.51.100.2 5 443\r\n")]
    [InlineData("[fe80::1%3]:5", "[fe80::2%3]:443", "PROXY TCP6 fe80::1 fe80::2 5 443\r\n")]
    [InlineData(null, "198.51.100.2:443", "PROXY UNKNOWN\r\n")]
    [InlineData("198.51.100.2:443", null, "PROXY UNKNOWN\r\n")]
    public void Version_1_is_a_line(string? source, string? destination, string line) =>
        Assert.Equal(line, Encoding.ASCII.GetString(ProxyHeader.Compose(1, End(source), End(destination))));

    [Theory]
    [InlineData("192.0.2.1:5", "198.51.100.2:443", "0D0A0D0A000D0A515549540A2111000CC0000201C6336402000501BB")]
    [InlineData("[2001:db8::1]:65535", "[2001:db8::2]:1", "0D0A0D0A000D0A515549540A2121002420010DB800000000000000000000000120010DB8000000000000000000000002FFFF0001")]
    [InlineData("[::ffff:192.0.2.1]:5", "[::ffff:198.51.100.2]:443", "0D0A0D0A000D0A515549540A2111000CC0000201C6336402000501BB")]
    [InlineData(null, null, "0D0A0D0A000D0A515549540A20000000")]
    public void Version_2_is_binary(string? source, string? destination, string hex) => Assert.Equal(hex, Convert.ToHexString(ProxyHeader.Compose(2, End(source), End(destination))));

    private static IPEndPoint? End(string? text) => text is null ? null : IPEndPoint.Parse(text);
}
