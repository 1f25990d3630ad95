using Ginnel.PacketScripts.Running;

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
    [InlineData("+0 write(4, ..., 10) = 10\n+0 > F. 1:11(10) ack 1\n", "line 9: flags are P., not F.")]
    [InlineData("+0 write(4, ..., 10) = 10\n+0 > P. 1:11(10) ack 2\n", "line 9: acknowledgment is 1, not 2")]
    [InlineData("+0 write(4, ..., 10) = 10\n+0 > P. 1:11(10) ack 1 <nop,nop,TS val 1 ecr 2>\n", "line 9: options are <>, not <nop,nop,TS ecr 2>")]
    [InlineData("+0 write(4, ..., 10) = 10\n+1 > P. 1:11(10) ack 1\n", "line 9: was sent at 0.100000 s, not at 1.100000 s")]
    [InlineData("+0 write(4, ..., 10) = 10\n", "line 8: at the end the stack had also sent")]
    [InlineData("+0 read(4, ..., 10) = 10\n", "line 8: read blocks")]
    [InlineData("+0...0.2 read(4, ..., 10) = 10\n", "line 8: read still blocks")]
    [InlineData("+0 %{ assert tcpi_state == TCP_CLOSE_WAIT }%\n", "line 8: assert tcpi_state == TCP_CLOSE_WAIT fails (tcpi_state = 1, TCP_CLOSE_WAIT = 8)")]
    [InlineData("+0 %{ assert tcpi_nonsense == 1 }%\n", "'tcpi_nonsense' is not a field")]
    [InlineData("+0 frobnicate(4) = 0\n", "the call 'frobnicate' is not known")]
    [InlineData("+0 `sysctl -q net.ipv4.tcp_sack=0`\n+0 close(4) = 0\n", "line 8: settings must stand before")]
    [InlineData("+0 `iptables -F`\n", "line 8: the command 'iptables' is never executed")]
    [InlineData("+0 `grep x /proc/net/tcp`\n", "line 8: the command 'grep' is never executed")]
    [InlineData("+0 `ip route add 192.0.2.0/24 dev tun0 advmss 500`\n+0 close(4) = 0\n", "line 8: the route's attribute 'advmss' is not supported")]
    [InlineData("+0 > [ect0] . 1:1(0) ack 1\n", "line 8: nothing was sent")]
    [InlineData("+0 write(4, ..., 10) = 10\n+0 > [ce] P. 1:11(10) ack 1\n", "line 9: the ECN bits are 0, not 3")]
    [InlineData("+0 write(4, ..., 10) = 10\n+0 > [ttl 3] P. 1:11(10) ack 1\n", "line 9: the hop limit is 64, not 3")]
    [InlineData("+0 write(4, ..., 10) = 10\n+0 > PA. 1:11(10) ack 1\n", "line 9: flags are P., not PA.")]
    [InlineData("+0 write(4, ..., 10) = 10\n+0 > P. 1:11(10) ack 1 urg 5\n", "line 9: urgent pointer is 0, not 5")]
    [InlineData("+0 write(4, ..., 10) = 10\n+.1~+.2 > P. 1:11(10) ack 1\n", "line 9: was sent at 0.100000 s, not from 0.200000 s to 0.300000 s")]
    [InlineData("+0 write(4, ..., 10) = 10\n+0 > . 1:6(5) ack 1\n", "line 9: flags are P., not .")]
    [InlineData("+0 write(4, ..., 3000) = 3000\n+0 > P. 1:2501(2500) ack 1\n", "line 9: length is 3000, not 2500")]
    [InlineData("+0 > gre : . 1:1(0) ack 1\n", "line 8: 'gre': this stack has no such encapsulation")]
    [InlineData("+0 < S 0:0(0) win 1 <mss 1000> {mut tcp mss}\n", "mutations of packets")]
    [InlineData("+0 > udp (10)\n", "line 8: nothing was sent")]
    [InlineData("+0 < icmp unreachable no_such_code [1:1(0)]\n", "line 8: the ICMP code 'no_such_code' is not known")]
    [InlineData("+0 < icmp echo_request mtu 1000\n", "line 8: an MTU belongs to unreachable frag_needed")]
    [InlineData("* < . 1:1(0) ack 1 win 257\n", "the time * is for packets that the stack sends")]
    [InlineData("+0~+1 < . 1:1(0) ack 1 win 257\n", "a range of time is for packets that the stack sends")]
    [InlineData("0 close(4) = 0\n", "line 8: the time 0.000000 s is before that of the last event")]
    [InlineData("+0 read(9, ..., 10) = 10\n", "line 8: read: 9 is no open socket")]
    [InlineData("+0 setsockopt(4, SOL_TCP, TCP_FASTOPEN, [5], 4) = 0\n", "line 8: setsockopt: the option TCP_FASTOPEN = 5 is not supported")]
    [InlineData("+0 send(4, ..., 10, MSG_ZEROCOPY) = 10\n", "line 8: send: the flags MSG_ZEROCOPY are not supported")]
    [InlineData("+0 sendfile(4, 5, [0], 10) = 10\n", "line 8: sendfile: files, pipes and capabilities")]
    [InlineData("+0 getsockopt(4, SOL_SOCKET, SO_ERROR, [ECONNRESET], [4]) = 0\n", "line 8: getsockopt: SO_ERROR is 0, not ECONNRESET")]
    [InlineData("+0 getsockopt(4, SOL_TCP, TCP_INFO, {tcpi_state=TCP_CLOSE}, ...) = 0\n", "line 8: getsockopt: tcpi_state is 1, not 7")]
    [InlineData("+0 ioctl(4, SIOCINQ, [1]) = 0\n", "line 8: ioctl: SIOCINQ is 0, not 1")]
    [InlineData("+0 poll([{fd=4, events=POLLIN|POLLOUT, revents=POLLIN}], 1, 0) = 1\n", "line 8: poll: revents of")]
    [InlineData("+0 %{ x = 5; assert x < tcpi_snd_cwnd, 'x' \nassert x == 6 }%\n", "line 9: assert x == 6 fails (x = 5)")]
    [InlineData("+0 %{ for x in y: pass }%\n", "line 8: 'for x in y: pass' is not understood")]
    [InlineData("+0 < . 1:1(0) ack 1 win 70000\n", "line 8: window 70000 does not fit into 16 bits")]
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

    [Theory]
    [InlineData("+0 write(4, ..., 5000) = 5000\n+0 > P. 1:5001(5000) ack 1\n+.05 < . 1:1(0) ack 5001 win 257\n")]
    [InlineData("+0 write(4, ..., 2000) = 2000\n+0~+.1 > . 1:1001(1000) ack 1\n* > P. 1001:2001(1000) ack 1 <...>\n+.05 < . 1:1(0) ack 2001 win 257\n")]
    [InlineData("+0 writev(4, [{..., 10}, {..., 20}], 2) = 30\n+0 > [noecn] P. 1:31(30) ack 1\n+0 ioctl(4, SIOCOUTQ, [30]) = 0\n+.05 < . 1:1(0) ack 31 win 257\n")]
    [InlineData("+0 fcntl(4, F_GETFL) = 0x2 (flags O_RDWR)\n+0 fcntl(4, F_SETFL, O_RDWR | O_NONBLOCK) = 0\n+0 read(4, ..., 1) = -1 EAGAIN (Resource temporarily unavailable)\n")]
    [InlineData("+0 epoll_create(1) = 9\n+0 epoll_ctl(9, EPOLL_CTL_ADD, 4, {events=EPOLLIN|EPOLLET, fd=4}) = 0\n+0...0.1 epoll_wait(9, {events=EPOLLIN, fd=4}, 1, 500) = 1\n"
        + "+.1 < P. 1:11(10) ack 1 win 257\n+.04 > . 1:1(0) ack 11\n+0...0.5 epoll_wait(9, {events=0, ptr=0}, 1, 500) = 0\n")]
    [InlineData("+0 poll([{fd=4, events=POLLIN|POLLOUT, revents=POLLOUT}], 1, 0) = 1\n+0 shutdown(4, SHUT_RD) = 0\n+0 recv(4, ..., 10, 0) = 0\n")]
    [InlineData("+0 %{\ncwnd = tcpi_snd_cwnd\nif cwnd == 10 and tcpi_state == TCP_ESTABLISHED:\n  y = 3\nelse:\n  y = 4\nassert y == 3, 'cwnd %d' % cwnd\n}%\n"
        + "+0 %{ assert abs(y - 5) <= max(1, 2) and y in (3, 7) and 7 // 2 == 3 and 0x10 | 1 == 17; print('well') }%\n")]
    [InlineData("+0 < icmp unreachable host_unreachable [1:1(0)]\n+0 < icmp type_11 code_0 [udp (10)]\n+0 < icmp echo_request id 7\n+0 > icmp echo_reply id 7\n")]
    [InlineData("+0 `tc qdisc add dev tun0 root pfifo; ip tcp_metrics flush all > /dev/null 2>&1`\n+0 close(4) = 0\n+0 > F. 1:1(0) ack 1\n")]
    [InlineData("+0 write(4, ..., 4000) = 4000\n+0 > P. 1:4001(4000) ack 1\n+0 %{ assert tcpi_ca_state == TCP_CA_Open and tcpi_sacked == 0 and tcpi_advmss == 1460 and tcpi_pmtu == 1500 }%\n"
        + "+.1 < . 1:1(0) ack 1 win 257 <sack 1001:4001,nop,nop>\n+0 > . 1:1001(1000) ack 1\n"
        + "+0 %{ assert tcpi_ca_state == TCP_CA_Recovery and tcpi_sacked == 3 and tcpi_lost == 1 and tcpi_retrans == 1 and 99000 <= tcpi_min_rtt <= 101000 }%\n"
        + "+.1 < . 1:1(0) ack 4001 win 257\n+0 %{ assert tcpi_ca_state == TCP_CA_Open and tcpi_lost == 0 and tcpi_unacked == 0 }%\n")]
    public void TheWholeNotationIsRead(string rest) => Assert.Null(Run(Opening + rest));

    [Fact]
    public void DatagramsAreSentAndReceived() => Assert.Null(Run("""
        0 socket(..., SOCK_DGRAM, IPPROTO_UDP) = 5
        +0 bind(5, {sa_family = AF_INET, sin_port = htons(53), sin_addr = inet_addr("0.0.0.0")}, ...) = 0
        +0 connect(5, ..., ...) = 0
        +0 write(5, ..., 100) = 100
        +0 > udp (100)
        +0...0.1 recvfrom(5, ..., 1000, 0, ..., ...) = 40
        +.1 < udp (40)
        +0 < udp 8080 > 54 (40)
        +0 > icmp unreachable port_unreachable
        +0 < icmp unreachable port_unreachable [udp (100)]
        +0 send(5, ..., 1, 0) = -1 ECONNREFUSED (Connection refused)
        +0 close(5) = 0
        """));

    [Fact]
    public void DefinitionsAndOptionsAreTaken() =>
        Assert.Null(Run("--define=SIZE=10\n--mtu=1000 // small\n--tolerance_usecs=5000\n/* and */ `./defaults.sh\nsysctl -q net.ipv4.tcp_rmem=\"4096 540000 $((15*1024*1024))\"`\n"
            + "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 7\n+0 fcntl(7, F_SETFL, O_RDWR|O_NONBLOCK) = 0\n+0 connect(7, ..., ...) = -1 EINPROGRESS (Operation now in progress)\n"
            + "+0 > S 0:0(0) <mss 960,sackOK,TS val 100 ecr 0,nop,wscale 8>\n+.1 < S. 0:0(0) ack 1 win 1000 <mss 960>\n+0 > . 1:1(0) ack 1\n"
            + "+0 write(7, ..., SIZE) = 10\n+0 > P. 1:11(10) ack 1\n"));

    [Fact]
    public void EachProfileIsTriedUnlessOneIsChosen()
    {
        string quick = Opening + "+0 < P. 1:11(10) ack 1 win 257\n+0 > . 1:1(0) ack 11\n";
        string delayed = Opening + "+0 < P. 1:11(10) ack 1 win 257\n+.04 > . 1:1(0) ack 11\n";
        Assert.Null(new Options(SystemKind.Linux, strict: true, []).Run("quick", quick));
        Assert.NotNull(new Options(SystemKind.Linux, strict: true, []).Run("delayed", delayed));
        Assert.NotNull(Run(quick));
        Assert.Null(new Options(null, strict: true, []).Run("quick", quick));
        Assert.Null(new Options(null, strict: true, []).Run("delayed", delayed));
        Assert.NotNull(new Options(null, strict: true, []).Run("wrong", delayed + "+0 > . 1:1(0) ack 12\n"));
    }

    [Fact]
    public void BothFamiliesSpeak() => Assert.Null(Run("--ip_version=ipv6\n" + Opening));

    private static string? Run(string text) => new Options(SystemKind.Ginnel, strict: true, []).Run("test", text);
}
