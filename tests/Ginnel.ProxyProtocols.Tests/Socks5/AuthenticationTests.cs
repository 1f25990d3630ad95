using System.Text;

namespace Ginnel.ProxyProtocols.Tests.Socks5;

public sealed class AuthenticationTests
{
    private static readonly byte[] Failed = [1, 1];

    private static Socks5Proxy Guarded() => new(time => new Socks5Options { Time = time, Credentials = new ProxyCredentials("user", "secret") });

    [Fact]
    public async Task The_right_credentials_are_let_in()
    {
        await using Socks5Proxy proxy = Guarded();
        await using TestClient client = proxy.Clients.Connect();
        await client.SayAsync(5, 3, 0, 1, 2);
        Assert.Equal(new byte[] { 5, 2 }, await client.HearAsync(2));
        await client.SayAsync(Credentials("user", "secret"));
        Assert.Equal(new byte[] { 1, 0 }, await client.HearAsync(2));
        await client.SayAsync(Socks5Proxy.Connect);
        Assert.Equal(Socks5Proxy.Refusal(0), await client.HearAsync(10));
    }

    [Theory]
    [InlineData(new byte[] { 5, 1, 0 })]
    [InlineData(new byte[] { 5, 2, 0, 1 })]
    public async Task G3_no_downgrade_to_no_auth(byte[] greeting)
    {
        await using Socks5Proxy proxy = Guarded();
        await using TestClient client = proxy.Clients.Connect();
        // The request follows at once, as if nothing were asked for.
        await client.SayAsync([.. greeting, .. Socks5Proxy.Connect]);
        Assert.Equal(new byte[] { 5, 255 }, await client.HearAllAsync());
        Assert.True(proxy.World.IsQuiet);
        Assert.Equal(1, proxy.Listener.Incidents[ProxyIncident.Unauthorized]);
    }

    [Fact]
    public async Task G3_the_request_cannot_stand_where_the_credentials_are_due()
    {
        await using Socks5Proxy proxy = Guarded();
        await using TestClient client = proxy.Clients.Connect();
        await client.SayAsync([5, 1, 2, .. Socks5Proxy.Connect]);
        await client.AssertResetAsync();
        Assert.True(proxy.World.IsQuiet);
    }

    [Theory]
    [InlineData("", "")]
    [InlineData("", "secret")]
    [InlineData("user", "")]
    [InlineData("user", "secre")]
    [InlineData("user", "secret\0")]
    [InlineData("User", "secret")]
    [InlineData("users", "ecret")]
    public async Task G3_wrong_and_empty_credentials_are_refused(string user, string password)
    {
        await using Socks5Proxy proxy = Guarded();
        await using TestClient client = proxy.Clients.Connect();
        await client.SayAsync([5, 1, 2, .. Credentials(user, password), .. Socks5Proxy.Connect]);
        Assert.Equal([5, 2, .. Failed], await client.HearAllAsync());
        Assert.True(proxy.World.IsQuiet);
    }

    [Fact]
    public async Task G3_credentials_of_255_bytes_work()
    {
        string longest = new('x', 255);
        await using Socks5Proxy proxy = new(time => new Socks5Options { Time = time, Credentials = new ProxyCredentials(longest, longest) });
        await using TestClient client = proxy.Clients.Connect();
        await client.SayAsync([5, 1, 2, .. Credentials(longest, longest)]);
        Assert.Equal(new byte[] { 5, 2, 1, 0 }, await client.HearAsync(4));
        await using TestClient other = proxy.Clients.Connect();
        await other.SayAsync([5, 1, 2, .. Credentials(longest, longest[1..])]);
        Assert.Equal([5, 2, .. Failed], await other.HearAllAsync());
    }

    [Theory]
    [InlineData("", "x")]
    [InlineData("x", "")]
    [InlineData("a:b", "x")]
    public void Credentials_that_cannot_be_sent_are_refused_at_once(string user, string password) =>
        Assert.Throws<ArgumentException>(() => new ProxyCredentials(user, password));

    private static byte[] Credentials(string user, string password) =>
        [1, (byte)user.Length, .. Encoding.UTF8.GetBytes(user), (byte)password.Length, .. Encoding.UTF8.GetBytes(password)];
}
