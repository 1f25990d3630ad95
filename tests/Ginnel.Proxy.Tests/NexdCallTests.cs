using System.Text;
using System.Text.Json;
using Ginnel.Proxy.Control;

namespace Ginnel.Proxy.Tests;

/// <summary>Calls of JSON-RPC 1.0 out of a stream of bytes, whatever the bytes are.</summary>
public sealed class NexdCallTests
{
    private const string Good = """{"method":"NexdCtl.Status","params":["x"],"id":7}""";

    [Fact]
    public void Calls_are_taken_one_after_the_other()
    {
        byte[] bytes = Encoding.UTF8.GetBytes(Good + "\n" + Good);
        Assert.True(NexdServer.TryTake(bytes, out int used, out NexdCall call));
        Assert.Equal(("NexdCtl.Status", "x", 7), (call.Method, call.Argument, call.Id.GetInt32()));
        Assert.Equal(Good.Length, used);
        Assert.True(NexdServer.TryTake(bytes.AsSpan(used), out used, out _));
        Assert.Equal(Good.Length + 1, used);
    }

    [Fact]
    public void A_part_of_a_call_is_waited_for()
    {
        byte[] bytes = Encoding.UTF8.GetBytes(Good);
        for (int length = 0; length < bytes.Length; length++) Assert.False(NexdServer.TryTake(bytes.AsSpan(0, length), out _, out _));
    }

    [Theory]
    [InlineData("""{"id":1}""", null, null)]
    [InlineData("""{"method":3,"params":[],"id":1}""", null, null)]
    [InlineData("""{"method":"m","params":["a","b"],"id":1}""", "m", null)]
    [InlineData("""{"method":"m","params":[3],"id":1}""", "m", null)]
    [InlineData("""{"method":"m","params":[null],"id":1}""", "m", "")]
    public void What_is_missing_in_a_call_is_null(string text, string? method, string? argument)
    {
        Assert.True(NexdServer.TryTake(Encoding.UTF8.GetBytes(text), out _, out NexdCall call));
        Assert.Equal((method, argument), (call.Method, call.Argument));
    }

    [Theory]
    [InlineData("x")]
    [InlineData("3 ")]
    [InlineData("[]")]
    [InlineData("GET / HTTP/1.1\r\n")]
    [InlineData("{\"a\":}")]
    public void Anything_else_ends_the_conversation(string text) => Assert.ThrowsAny<JsonException>(() => NexdServer.TryTake(Encoding.UTF8.GetBytes(text), out _, out _));

    [Fact]
    public void Any_change_of_a_byte_gives_a_call_or_a_refusal_or_a_wait()
    {
        byte[] bytes = Encoding.UTF8.GetBytes(Good);
        for (int i = 0; i < bytes.Length; i++)
        {
            for (int value = 0; value < 256; value++)
            {
                byte[] changed = [.. bytes];
                changed[i] = (byte)value;
                try
                {
                    Assert.InRange(NexdServer.TryTake(changed, out int used, out _) ? used : 0, 0, bytes.Length);
                }
                catch (JsonException)
                {
                }
            }
        }
    }
}
