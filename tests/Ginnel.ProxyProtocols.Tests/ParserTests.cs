using System.Net;
using System.Text;

namespace Ginnel.ProxyProtocols.Tests;

/// <summary>Parsers take every string of bytes: prefixes of good messages, their mutations, and noise.</summary>
public sealed class ParserTests
{
    private static readonly byte[][] Socks =
    [
        [5, 3, 0, 1, 2],
        [1, 4, .. "user"u8, 6, .. "secret"u8],
        [5, 1, 0, 1, 203, 0, 113, 5, 0, 80],
        [5, 1, 0, 3, 11, .. "example.org"u8, 1, 187],
        [5, 3, 0, 4, 32, 1, 13, 184, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 53],
        [0, 0, 0, 3, 1, (byte)'a', 0, 53, 1, 2, 3],
    ];

    private static readonly byte[][] Http =
    [
        Encoding.ASCII.GetBytes("CONNECT [2001:db8::1]:443 HTTP/1.1\r\nHost: x\r\nProxy-Authorization: Basic dXNlcjpzZWNyZXQ=\r\n\r\n"),
        Encoding.ASCII.GetBytes("POST http://a.b:8080/c?d HTTP/1.1\r\nHost: a.b\r\nConnection: close, X\r\nX: y\r\nVia: 1.1 q (c), 1.0 p\r\nContent-Length: 5, 5\r\n\r\n"),
        Encoding.ASCII.GetBytes("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nSet-Cookie: a=b\r\n\r\n"),
    ];

    [Fact]
    public void Every_prefix_is_the_beginning_of_a_message_and_never_a_whole_one()
    {
        for (int length = 0; length < Socks[0].Length; length++) Assert.Equal(Socks5Status.Incomplete, Socks5Reader.ReadGreeting(Socks[0].AsSpan(0, length), out _, out _));
        for (int length = 0; length < Socks[1].Length; length++)
            Assert.Equal(Socks5Status.Incomplete, Socks5Reader.ReadCredentials(Socks[1].AsSpan(0, length), out _, out _, out _));
        foreach (byte[] request in Socks[2..5])
        {
            for (int length = 0; length < request.Length; length++) Assert.Equal(Socks5Status.Incomplete, Socks5Reader.ReadRequest(request.AsSpan(0, length), out _));
            Assert.Equal(Socks5Status.Complete, Socks5Reader.ReadRequest(request, out Socks5Request read));
            Assert.Equal(request.Length, read.Length);
        }
        for (int length = 0; length < 8; length++) Assert.Equal(Socks5Status.Malformed, Socks5Reader.ReadDatagram(Socks[5].AsSpan(0, length), out _, out _, out _));
        foreach (byte[] head in Http[..2])
            for (int length = 0; length < head.Length; length++) Assert.Equal(400, HttpRequestReader.Read(head.AsSpan(0, length), out _, out _));
        for (int length = 0; length < Http[2].Length; length++) Assert.False(HttpResponseReader.TryRead(Http[2].AsSpan(0, length), false, out _));
    }

    [Fact]
    public void Every_mutation_of_one_byte_is_read_without_a_fault()
    {
        foreach (byte[] message in (byte[][])[.. Socks, .. Http])
        {
            byte[] mutated = [.. message];
            for (int at = 0; at < message.Length; at++)
            {
                for (int value = 0; value < 256; value++)
                {
                    mutated[at] = (byte)value;
                    ReadAsAll(mutated);
                }
                mutated[at] = message[at];
            }
        }
    }

    [Fact]
    public void Noise_is_read_without_a_fault()
    {
        Random random = new(5);
        for (int round = 0; round < 20_000; round++)
        {
            byte[] noise = new byte[random.Next(80)];
            random.NextBytes(noise);
            if (noise.Length > 4) (noise[0], noise[2], noise[3]) = ((byte)random.Next(6), 0, (byte)random.Next(5));
            ReadAsAll(noise);
        }
    }

    // Whatever is accepted keeps its promises; whatever is not says so.
    private static void ReadAsAll(byte[] bytes)
    {
        if (Socks5Reader.ReadGreeting(bytes, out ReadOnlySpan<byte> methods, out int length) == Socks5Status.Complete) Assert.Equal(length, methods.Length + 2);
        if (Socks5Reader.ReadCredentials(bytes, out _, out _, out length) == Socks5Status.Complete) Assert.InRange(length, 3, bytes.Length);
        if (Socks5Reader.ReadRequest(bytes, out Socks5Request request) == Socks5Status.Complete)
        {
            Assert.InRange(request.Length, 7, bytes.Length);
            Assert.True(request.Target is null or IPEndPoint or DnsEndPoint);
            if (request.Command == Socks5Command.Connect) Assert.NotNull(request.Target);
        }
        if (Socks5Reader.ReadDatagram(bytes, out _, out EndPoint? target, out length) == Socks5Status.Complete)
        {
            Assert.NotNull(target);
            Assert.InRange(length, 4, bytes.Length);
        }
        HttpJudge judge = new(new HttpProxyOptions { Credentials = null }, "here");
        if (judge.Decide(bytes, null) is { Forward: { } forward })
        {
            string head = Encoding.Latin1.GetString(forward.Head);
            Assert.EndsWith("\r\n\r\n", head);
            Assert.Equal(head.IndexOf("\r\n\r\n", StringComparison.Ordinal), head.Length - 4);
            Assert.DoesNotContain("Proxy-Authorization", head, StringComparison.OrdinalIgnoreCase);
            Assert.DoesNotContain('\0', head);
        }
        if (HttpResponseReader.TryRead(bytes, false, out HttpProxyResponse response)) Assert.InRange(response.Status, 100, 999);
        if (HttpFields.TryRead(bytes, out HttpFields fields)) HttpAuthorization.IsGranted(fields, Credentials);
    }

    private static readonly ProxyCredentials Credentials = new("user", "secret");
}
