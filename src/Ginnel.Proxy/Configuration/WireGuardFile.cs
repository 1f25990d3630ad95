using System.Globalization;
using System.Net;
using Ginnel.WireGuard;

namespace Ginnel.Proxy;

/// <summary>Reads the files of wg-quick(8), as far as they concern a proxy that touches nothing of the host's network.</summary>
public static class WireGuardFile
{
    private const int KeySize = 32;
    private static readonly string[] InterfaceKeys = ["PrivateKey", "PrivateKeyFile", "Address", "DNS", "MTU", "ListenPort"];
    private static readonly string[] PeerKeys = ["PublicKey", "PresharedKey", "PresharedKeyFile", "AllowedIPs", "Endpoint", "PersistentKeepalive"];

    /// <summary>What would change the host, which this proxy does not: better refused than silently left out.</summary>
    private static readonly string[] HostKeys = ["PreUp", "PostUp", "PreDown", "PostDown", "Table", "FwMark", "SaveConfig"];

    /// <summary>Reads a file.</summary>
    /// <exception cref="ConfigurationException">It says something wrong.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static ProxyConfiguration Load(string path) => Parse(File.ReadAllText(path), path);

    /// <summary>Reads a text.</summary>
    /// <param name="text">The text.</param>
    /// <param name="path">The file's name, for messages, and for a PrivateKeyFile beside it.</param>
    /// <exception cref="ConfigurationException">It says something wrong.</exception>
    public static ProxyConfiguration Parse(string text, string path)
    {
        ArgumentNullException.ThrowIfNull(text);
        Reader reader = new(path);
        foreach ((string line, int number) in Lines(text)) reader.Take(line, number);
        return reader.Finish();
    }

    private static IEnumerable<(string Line, int Number)> Lines(string text)
    {
        int number = 0;
        foreach (string raw in text.Split('\n'))
        {
            number++;
            string line = (raw.IndexOf('#', StringComparison.Ordinal) is >= 0 and var comment ? raw[..comment] : raw).Trim();
            if (line.Length > 0) yield return (line, number);
        }
    }

    private sealed class Reader(string file)
    {
        private string _path = file;
        private bool _isIncluded;
        private readonly List<InterfaceAddress> _addresses = [];
        private readonly List<IPAddress> _nameServers = [];
        private readonly List<PeerReader> _peers = [];
        private readonly List<WireproxySection> _wireproxy = [];
        private byte[]? _privateKey;
        private int _mtu = 1_420;
        private int _listenPort;
        private string _section = "";
        private int _number;

        public void Take(string line, int number)
        {
            _number = number;
            if (line.StartsWith('[') && line.EndsWith(']'))
            {
                _section = line[1..^1].Trim().ToLowerInvariant();
                if (_section == "peer") _peers.Add(new PeerReader(number));
                else if (WireproxySection.Is(_section)) _wireproxy.Add(new WireproxySection(_section, number));
                else if (_section != "interface") throw Wrong($"the section {line} is not known; there are [Interface] and [Peer], and wireproxy's {string.Join(", ", WireproxySection.Names.Select(name => $"[{name}]"))}");
                return;
            }
            int equals = line.IndexOf('=', StringComparison.Ordinal);
            if (equals < 0) throw Wrong("a line is Key = value");
            string key = line[..equals].Trim(), value = FromEnvironment(key, line[(equals + 1)..].Trim());
            if (_section == "interface") TakeInterface(key, value);
            else if (_section == "peer") TakePeer(_peers[^1], key, value);
            else if (_section.Length > 0) TakeWireproxy(_wireproxy[^1], key, value);
            else if (key.Equals("WGConfig", StringComparison.OrdinalIgnoreCase)) Include(value);
            else throw Wrong($"{(key.Length > 32 ? "something" : key)} stands before any section; begin with [Interface]");
        }

        public ProxyConfiguration Finish()
        {
            if (_privateKey is null) throw new ConfigurationException($"{_path}: [Interface] has no PrivateKey and no PrivateKeyFile");
            if (_addresses.Count == 0) throw new ConfigurationException($"{_path}: [Interface] has no Address, such as Address = 10.0.0.2/32");
            foreach (PeerReader peer in _peers)
                if (peer.PublicKey is null) throw new ConfigurationException($"{_path}, line {peer.Line}: this [Peer] has no PublicKey");
            foreach (IGrouping<string, PeerReader> same in _peers.GroupBy(peer => Convert.ToBase64String(peer.PublicKey!)).Where(group => group.Count() > 1))
                throw new ConfigurationException($"{_path}, line {same.Last().Line}: this [Peer] has the PublicKey of the one in line {same.First().Line}");
            List<ProxyRule> rules = [];
            List<ProxyDoor> doors = [];
            EndPoint? stdio = null;
            foreach (WireproxySection section in _wireproxy)
            {
                (ProxyRule? rule, ProxyDoor? door, EndPoint? target, string? error) = section.Finish();
                if (error is not null) throw new ConfigurationException($"{_path}, line {section.Line}: {error}");
                if (rule is not null) rules.Add(rule);
                if (door is not null) doors.Add(door);
                if (target is not null && stdio is not null) throw new ConfigurationException($"{_path}, line {section.Line}: there is one standard input, and an [STDIOTunnel] before");
                stdio ??= target;
            }
            return new ProxyConfiguration
            {
                Rules = rules, Doors = doors, Stdio = stdio,
                PrivateKey = _privateKey, Addresses = _addresses, NameServers = _nameServers, Mtu = _mtu, ListenPort = _listenPort,
                Peers = [.. _peers.Select(peer => peer.ToOptions())],
            };
        }

        // wireproxy's: a value that begins with $ is the name of a variable.
        private string FromEnvironment(string key, string value)
        {
            if (value is not ['$', .. var variable] || variable.Length == 0 || !variable.All(c => char.IsAsciiLetterOrDigit(c) || c == '_')) return value;
            return Environment.GetEnvironmentVariable(variable)?.Trim() is { Length: > 0 } found ? found : throw Wrong($"{key}: the environment has no {variable}");
        }

        private void TakeWireproxy(WireproxySection section, string key, string value)
        {
            if (section.TryTake(key, value)) return;
            throw section.Keys.Contains(key, StringComparer.OrdinalIgnoreCase) ? Wrong($"{key} stands in this section twice") : Unknown(key, [.. section.Keys]);
        }

        // wireproxy's: the tunnel stands in a file of its own.
        private void Include(string value)
        {
            if (_isIncluded) throw Wrong("WGConfig: a file that is included includes no other, and one is enough");
            string full = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(_path)) ?? "/", value);
            (_isIncluded, string outer, int number) = (true, _path, _number);
            try
            {
                _path = full;
                foreach ((string line, int at) in Lines(File.ReadAllText(full))) Take(line, at);
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
            {
                throw new ConfigurationException($"{outer}, line {number}: WGConfig: {full} cannot be read: {failure.Message}");
            }
            (_path, _section) = (outer, "");
        }

        private void TakeInterface(string key, string value)
        {
            switch (key.ToLowerInvariant())
            {
                case "privatekey": _privateKey = Key("PrivateKey", value); break;
                case "privatekeyfile": _privateKey = KeyFile("PrivateKeyFile", value); break;
                case "address": _addresses.AddRange(Split(value).Select(Address)); break;
                case "dns": _nameServers.AddRange(Split(value).Select(ServerOrNull).OfType<IPAddress>()); break;
                case "mtu": _mtu = Number(key, value, 576, 65_000); break;
                case "listenport": _listenPort = Number(key, value, 0, 65_535); break;
                default: throw Unknown(key, InterfaceKeys);
            }
        }

        private void TakePeer(PeerReader peer, string key, string value)
        {
            switch (key.ToLowerInvariant())
            {
                case "publickey": peer.PublicKey = Key("PublicKey", value); break;
                case "presharedkeyfile": peer.PresharedKey = KeyFile("PresharedKeyFile", value); break;
                case "presharedkey": peer.PresharedKey = Key("PresharedKey", value); break;
                case "allowedips": peer.AllowedIps.AddRange(Split(value).Select(Network)); break;
                case "endpoint": peer.Endpoint = EndPointOf(value); break;
                case "persistentkeepalive":
                    bool isOff = value.Equals("off", StringComparison.OrdinalIgnoreCase);
                    peer.Keepalive = TimeSpan.FromSeconds(isOff ? 0 : Number(key, value, 0, 65_535));
                    break;
                default: throw Unknown(key, PeerKeys);
            }
        }

        // A key is never part of a message.
        private byte[] Key(string name, string value)
        {
            byte[] key = new byte[KeySize];
            if (value.Length == 44 && Convert.TryFromBase64String(value, key, out int length) && length == KeySize) return key;
            throw Wrong($"{name} is not the base64 of 32 bytes, as wg genkey prints it");
        }

        private byte[] KeyFile(string name, string value)
        {
            string full = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(_path)) ?? "/", value);
            try
            {
                return Key(name, File.ReadAllText(full).Trim());
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
            {
                throw Wrong($"{name} {full} cannot be read: {failure.Message}");
            }
        }

        private InterfaceAddress Address(string text)
        {
            string[] parts = text.Split('/');
            if (parts.Length <= 2 && IPAddress.TryParse(parts[0], out IPAddress? address))
            {
                int most = address.GetAddressBytes().Length * 8, length = most;
                if (parts.Length == 1 || (int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out length) && length <= most))
                    return new InterfaceAddress(address, length);
            }
            throw Wrong($"Address: '{text}' is no address with its network, such as 10.0.0.2/32");
        }

        private IPNetwork Network(string text)
        {
            // wg(8) takes addresses with host bits and bare addresses.
            InterfaceAddress read = Address(text);
            byte[] bytes = read.Address.GetAddressBytes();
            for (int bit = read.PrefixLength; bit < bytes.Length * 8; bit++) bytes[bit / 8] &= (byte)~(0x80 >> (bit % 8));
            return new IPNetwork(new IPAddress(bytes), read.PrefixLength);
        }

        // wg-quick takes search domains in the same line; a proxy has no use for them.
        private IPAddress? ServerOrNull(string text) =>
            IPAddress.TryParse(text, out IPAddress? address) ? address
            : Uri.CheckHostName(text) == UriHostNameType.Dns ? null : throw Wrong($"DNS: '{text}' is neither an address nor a search domain");

        private EndPoint EndPointOf(string text)
        {
            int colon = text.LastIndexOf(':');
            string host = colon < 0 ? text : text[..colon];
            if (colon > 0 && int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int port) && port is >= 1 and <= 65_535)
            {
                bool isBracketed = host.StartsWith('[') && host.EndsWith(']');
                if (IPAddress.TryParse(isBracketed ? host[1..^1] : host, out IPAddress? address) && isBracketed == host.Contains(':')) return new IPEndPoint(address, port);
                if (!isBracketed && Uri.CheckHostName(host) == UriHostNameType.Dns) return new DnsEndPoint(host, port);
            }
            throw Wrong($"Endpoint: '{text}' is not host:port, such as vpn.example.org:51820 or [2001:db8::1]:51820");
        }

        private int Number(string key, string value, int least, int most) =>
            int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number >= least && number <= most
                ? number : throw Wrong($"{key}: '{value}' is no number from {least} to {most}");

        private ConfigurationException Unknown(string key, string[] known)
        {
            if (HostKeys.FirstOrDefault(other => other.Equals(key, StringComparison.OrdinalIgnoreCase)) is { } host)
                return Wrong($"{host} changes the host, which ginnel proxy does not: it needs no privileges and touches no interface. Take the line out");
            string? nearest = known.FirstOrDefault(other => other.StartsWith(key[..Math.Min(3, key.Length)], StringComparison.OrdinalIgnoreCase));
            // A key on a line of its own ends in '=' and stands where a name should: it is not repeated either.
            if (key.Length > 32) return Wrong($"what stands before '=' is not known in [{_section}]; there are {string.Join(", ", known)}");
            return Wrong($"'{key}' is not known in [{_section}]{(nearest is null ? $"; there are {string.Join(", ", known)}" : $"; is {nearest} meant?")}");
        }

        private ConfigurationException Wrong(string what) => new($"{_path}, line {_number}: {what}");

        private static IEnumerable<string> Split(string value) => value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
    }

    private sealed class PeerReader(int line)
    {
        public int Line { get; } = line;
        public byte[]? PublicKey { get; set; }
        public byte[]? PresharedKey { get; set; }
        public List<IPNetwork> AllowedIps { get; } = [];
        public EndPoint? Endpoint { get; set; }
        public TimeSpan Keepalive { get; set; }

        public WireGuardPeerOptions ToOptions() => new()
        {
            PublicKey = PublicKey!, PresharedKey = PresharedKey, AllowedIps = AllowedIps, Endpoint = Endpoint, PersistentKeepalive = Keepalive,
        };
    }
}
