using Ginnel.PacketScripts.Running;
using Ginnel.PacketScripts.Syntax;

namespace Ginnel.PacketScripts;

/// <summary>The interpreter itself: a script that expects the wrong thing fails, and says where and why.</summary>
public sealed class InterpreterTests
{
    private const string Opening = """
        0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
        +0 bind(3, ..., ...) = 0
        +0 listen(3, 1) = 0
        +0 < S 0:0(0) win 32792 <mss 1000,sackOK,nop,nop,nop,wscale 7>
        +0 > S. 0:0(0) ack 1 <...>
        +.1 < . 1:1(0) ack 1 win 257
        +0 accept(3, ..., ...) = 4

        """;

    [Fact]
    public void ARightScriptPasses() =>
        Assert.Null(Run(Opening + "+0 write(4, ..., 1000) = 1000\n+0 > P. 1:1001(1000) ack 1\n+.05 < . 1:1(0) ack 1001 win 257\n+0 %{ assert tcpi_unacked == 0 and tcpi_snd_mss >= 1000, 'all acknowledged' }%\n"));

    [Theory]
    [InlineData("+0 > P. 1:2(1) ack 1\n", "line 8: nothing was sent")]
    [InlineData("+0 write(4, ..., 10) = 10\n+0 > P. 1:12(11) ack 1\n", "line 9: length is 10, not 11")]
    [InlineData("+0 write(4, ..., 10) = 10\n+0 > P. 2:12(10) ack 1\n", "line 9: sequence is 1, not 2")]
    [InlineData("+0 write(4, ..., 10) = 10\n+0 > F. 1:11(10) ack 1\n", "line 9: flags are Psh, Ack, not Fin, Ack")]
    [InlineData("+0 write(4, ..., 10) = 10\n+0 > P. 1:11(10) ack 2\n", "line 9: acknowledgment is 1, not 2")]
    [InlineData("+0 write(4, ..., 10) = 10\n+0 > P. 1:11(10) ack 1 <nop,nop,TS val 1 ecr 2>\n", "line 9: options are <>, not <nop,nop,TS ecr 2>")]
    [InlineData("+0 write(4, ..., 10) = 10\n+1 > P. 1:11(10) ack 1\n", "line 9: was sent at 0.100000 s, not at 1.100000 s")]
    [InlineData("+0 write(4, ..., 10) = 10\n", "line 8: at the end the stack had also sent")]
    [InlineData("+0 read(4, ..., 10) = 10\n", "line 8: read blocks")]
    [InlineData("+0...0.2 read(4, ..., 10) = 10\n", "line 8: read still blocks")]
    [InlineData("+0 %{ assert tcpi_state == TCP_CLOSE_WAIT }%\n", "line 8: assert tcpi_state == TCP_CLOSE_WAIT fails (tcpi_state = 1, TCP_CLOSE_WAIT = 8)")]
    [InlineData("+0 %{ assert tcpi_nonsense == 1 }%\n", "'tcpi_nonsense' is not a field")]
    [InlineData("+0 frobnicate(4) = 0\n", "the call 'frobnicate' is not known")]
    [InlineData("+0 `sysctl -q net.ipv4.tcp_sack=0`\n", "settings must stand before")]
    [InlineData("+0 < P. 1:11(11) ack 1 win 257\n", "1:11 is not 11 long")]
    [InlineData("+0 < . 1:1(0) ack 1 win 257 <xyz>\n", "TCP option 'xyz' is not known")]
    public void AWrongScriptSaysWhere(string rest, string message) => Assert.Contains(message, Run(Opening + rest), StringComparison.Ordinal);

    [Fact]
    public void CommandsAreNeverExecuted()
    {
        Assert.Contains("the command 'touch' is never executed", Run("`touch /tmp/executed`\n" + Opening), StringComparison.Ordinal);
        Assert.Contains("'net.ipv4.tcp_magic' is not known", Run("`sysctl -q net.ipv4.tcp_magic=1`\n" + Opening), StringComparison.Ordinal);
        Assert.Null(Run("`sysctl -q net.ipv4.tcp_sack=0 net.ipv4.tcp_timestamps=0`\n" + Opening));
    }

    [Fact]
    public void ABlockingCallMayEndWhilePacketsGoOn() =>
        Assert.Null(Run(Opening + "+0...0.3 read(4, ..., 100) = 10\n+.3 < P. 1:11(10) ack 1 win 257\n+.04 > . 1:1(0) ack 11\n"));

    [Fact]
    public void BothFamiliesSpeak() => Assert.Null(Run("--ip_version=ipv6\n" + Opening));

    private static string? Run(string text)
    {
        try
        {
            new ScriptRunner(Parser.Parse("test", text), strict: true).Run();
            return null;
        }
        catch (ScriptException error)
        {
            return error.Message;
        }
    }
}
