namespace Ginnel.PacketScripts.Syntax;

/// <summary>Names of constants, with the numbers that Linux gives them: scripts write either.</summary>
internal static class Symbols
{
    private static readonly Dictionary<string, long> Known = new()
    {
        ["AF_INET"] = 2, ["AF_INET6"] = 10, ["PF_INET"] = 2, ["PF_INET6"] = 10,
        ["SOCK_STREAM"] = 1, ["SOCK_DGRAM"] = 2, ["SOCK_RAW"] = 3, ["SOCK_NONBLOCK"] = 0x800, ["SOCK_CLOEXEC"] = 0x80000,
        ["IPPROTO_IP"] = 0, ["IPPROTO_ICMP"] = 1, ["IPPROTO_TCP"] = 6, ["IPPROTO_UDP"] = 17, ["IPPROTO_IPV6"] = 41, ["IPPROTO_ICMPV6"] = 58,
        ["IPPROTO_UDPLITE"] = 136, ["IPPROTO_SCTP"] = 132, ["IPPROTO_MPTCP"] = 262, ["IPPROTO_RAW"] = 255,
        ["SOL_IP"] = 0, ["SOL_SOCKET"] = 1, ["SOL_TCP"] = 6, ["SOL_UDP"] = 17, ["SOL_IPV6"] = 41,
        ["SHUT_RD"] = 0, ["SHUT_WR"] = 1, ["SHUT_RDWR"] = 2,
        ["F_GETFL"] = 3, ["F_SETFL"] = 4, ["F_GETFD"] = 1, ["F_SETFD"] = 2, ["FD_CLOEXEC"] = 1,
        ["O_RDONLY"] = 0, ["O_WRONLY"] = 1, ["O_RDWR"] = 2, ["O_NONBLOCK"] = 0x800,
        ["POLLIN"] = 1, ["POLLPRI"] = 2, ["POLLOUT"] = 4, ["POLLERR"] = 8, ["POLLHUP"] = 16, ["POLLNVAL"] = 32, ["POLLRDNORM"] = 64,
        ["POLLRDBAND"] = 128, ["POLLWRNORM"] = 256, ["POLLWRBAND"] = 512, ["POLLRDHUP"] = 0x2000,
        ["EPOLLIN"] = 1, ["EPOLLPRI"] = 2, ["EPOLLOUT"] = 4, ["EPOLLERR"] = 8, ["EPOLLHUP"] = 16, ["EPOLLRDNORM"] = 64, ["EPOLLRDBAND"] = 128,
        ["EPOLLWRNORM"] = 256, ["EPOLLWRBAND"] = 512, ["EPOLLRDHUP"] = 0x2000, ["EPOLLEXCLUSIVE"] = 1 << 28, ["EPOLLWAKEUP"] = 1 << 29,
        ["EPOLLONESHOT"] = 1 << 30, ["EPOLLET"] = 1L << 31,
        ["EPOLL_CTL_ADD"] = 1, ["EPOLL_CTL_DEL"] = 2, ["EPOLL_CTL_MOD"] = 3,
        ["MSG_OOB"] = 1, ["MSG_PEEK"] = 2, ["MSG_DONTROUTE"] = 4, ["MSG_CTRUNC"] = 8, ["MSG_TRUNC"] = 0x20, ["MSG_DONTWAIT"] = 0x40,
        ["MSG_EOR"] = 0x80, ["MSG_WAITALL"] = 0x100, ["MSG_ERRQUEUE"] = 0x2000, ["MSG_NOSIGNAL"] = 0x4000, ["MSG_MORE"] = 0x8000,
        ["MSG_ZEROCOPY"] = 0x4000000, ["MSG_FASTOPEN"] = 0x20000000,
        ["TCP_ESTABLISHED"] = 1, ["TCP_SYN_SENT"] = 2, ["TCP_SYN_RECV"] = 3, ["TCP_FIN_WAIT1"] = 4, ["TCP_FIN_WAIT2"] = 5, ["TCP_TIME_WAIT"] = 6,
        ["TCP_CLOSE"] = 7, ["TCP_CLOSE_WAIT"] = 8, ["TCP_LAST_ACK"] = 9, ["TCP_LISTEN"] = 10, ["TCP_CLOSING"] = 11,
        ["TCP_CA_Open"] = 0, ["TCP_CA_Disorder"] = 1, ["TCP_CA_CWR"] = 2, ["TCP_CA_Recovery"] = 3, ["TCP_CA_Loss"] = 4,
        ["TCPI_OPT_TIMESTAMPS"] = 1, ["TCPI_OPT_SACK"] = 2, ["TCPI_OPT_WSCALE"] = 4, ["TCPI_OPT_ECN"] = 8, ["TCPI_OPT_ECN_SEEN"] = 16,
        ["TCPI_OPT_SYN_DATA"] = 32, ["TCPI_OPT_USEC_TS"] = 64,
        ["INADDR_ANY"] = 0, ["INADDR_LOOPBACK"] = 0x7F000001, ["NULL"] = 0,
        ["IP_PMTUDISC_DONT"] = 0, ["IP_PMTUDISC_WANT"] = 1, ["IP_PMTUDISC_DO"] = 2, ["IP_PMTUDISC_PROBE"] = 3,
        ["IPV6_PMTUDISC_DONT"] = 0, ["IPV6_PMTUDISC_WANT"] = 1, ["IPV6_PMTUDISC_DO"] = 2, ["IPV6_PMTUDISC_PROBE"] = 3,
        ["IPTOS_LOWDELAY"] = 0x10, ["IPTOS_THROUGHPUT"] = 8, ["IPTOS_RELIABILITY"] = 4, ["IPTOS_MINCOST"] = 2,
        ["ECONNREFUSED"] = 111, ["ECONNRESET"] = 104, ["ETIMEDOUT"] = 110, ["EHOSTUNREACH"] = 113, ["ENETUNREACH"] = 101, ["EPIPE"] = 32,
        ["EINPROGRESS"] = 115, ["EALREADY"] = 114, ["EAGAIN"] = 11, ["EISCONN"] = 106, ["ENOTCONN"] = 107, ["ECONNABORTED"] = 103,
        ["ENOPROTOOPT"] = 92, ["EMSGSIZE"] = 90, ["EACCES"] = 13, ["EPROTO"] = 71, ["EINVAL"] = 22, ["EBADF"] = 9, ["EADDRINUSE"] = 98,
        ["EHOSTDOWN"] = 112, ["ENOMEM"] = 12,
    };

    internal static long? Find(string word) => Known.TryGetValue(word, out long value) ? value : null;

    /// <summary>The name of an error's number, for those scripts that write numbers.</summary>
    internal static string ErrorName(long number)
    {
        foreach ((string name, long value) in Known)
        {
            if (value == number && name[0] == 'E' && !name.StartsWith("EPOLL", StringComparison.Ordinal)) return name;
        }
        return $"error {number}";
    }
}
