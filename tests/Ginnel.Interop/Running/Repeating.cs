namespace Ginnel.Interop.Running;

/// <summary>Python that asks by datagrams: what a loaded machine's kernel may drop is asked again, as every client of UDP does.</summary>
internal static class Repeating
{
    /// <summary>Defines <c>ask(socket, question, address)</c>, which returns the first answer; to stand at the beginning of a line.</summary>
    public const string Ask = """
        def ask(s, question, to):
            s.settimeout(4)
            for attempt in range(8):
                s.sendto(question, to)
                try: return s.recv(65535)
                except TimeoutError: pass
            return b'no answer'
        """;
}
