namespace Ginnel.Architecture.Documents;

/// <summary>The table of requirements can be read, and what it names exists.</summary>
public class ComplianceTests
{
    const string Folder = "docs/rfc/source/";
    const string LaterFile = Folder + "later.txt";

    [Fact]
    public void Every_line_can_be_read_and_names_what_exists()
    {
        List<string> complaints = [];
        IReadOnlyList<LaterWork> later = LaterWork.Parse(LaterFile, Repository.Read(LaterFile), complaints);
        Requirement[] requirements = [.. Read(complaints).SelectMany(rfc => rfc.Requirements)];
        ComplianceCheck check = new(Index("src/"), Index("tests/"), path => File.Exists(Path.Combine(Repository.Root, path)));
        complaints.AddRange(check.Complaints(requirements));
        complaints.AddRange(later.SelectMany(work => work.Where.Where(name => !check.IsPlace(name))
            .Select(name => $"{work.Place}: there is no type, member or file '{name}' in src")));
        Assert.NotEmpty(requirements);
        Assert.Empty(complaints);
    }

    [Theory]
    [InlineData("rfc1.txt", "# T\n1 | MUST | x | A.B", "rfc1.txt:2: '1 | MUST | x | A.B' is not 'section | level | requirement | where | test'")]
    [InlineData("rfc1.txt", "# T\n\n1 | MAY | x | A | C.d", "rfc1.txt:2: '' is not 'section | level | requirement | where | test'")]
    [InlineData("rfc1.txt", "1 | MUST | x | A.B | C.d", "rfc1.txt:1: the first line has to be '# title of the RFC', not '1 | MUST | x | A.B | C.d'")]
    [InlineData("rfc1.txt", "# T\n1 | must | x | A.B | C.d", "rfc1.txt:2: the level is MUST, MUST NOT, SHOULD, SHOULD NOT, MAY, not 'must'")]
    [InlineData("rfc1.txt", "# T\n1 | MUST | x | A.B | absent", "rfc1.txt:2: what is not done, or not shown by a test, needs 'absent: reason'")]
    [InlineData("rfc1.txt", "# T\n1 | MUST | x | A.B | -", "rfc1.txt:2: what is not done, or not shown by a test, needs 'absent: reason'")]
    [InlineData("rfc1.txt", "# T\n1 | MUST | x | absent | C.d", "rfc1.txt:2: what is not done, or not shown by a test, needs 'absent: reason'")]
    [InlineData("rfc1.txt", "# T\n1 | MUST | x | A | C.d\n1 | MAY | x | A | C.d", "rfc1.txt:3: 'x' stands in this file twice")]
    [InlineData("notes.txt", "# T", "notes.txt: a file of requirements is called rfcNNNN.txt")]
    public void A_malformed_line_is_named(string path, string text, string complaint)
    {
        List<string> complaints = [];
        ComplianceSource.Parse(path, text, complaints);
        Assert.Equal(complaint, Assert.Single(complaints));
    }

    [Theory]
    [InlineData("A.Gone", "A.b", "p:2: there is no type, member or file 'A.Gone' in src")]
    [InlineData("Gone", "A.b", "p:2: there is no type, member or file 'Gone' in src")]
    [InlineData("src/gone.cs", "A.b", "p:2: there is no type, member or file 'src/gone.cs' in src")]
    [InlineData("A, A.Gone", "A.b", "p:2: there is no type, member or file 'A.Gone' in src")]
    [InlineData("A.F", "A.NoTest", "p:2: there is no test method or packet script 'A.NoTest'")]
    [InlineData("A.F", "gone/x.pkt", "p:2: there is no test method or packet script 'gone/x.pkt'")]
    public void A_name_that_leads_nowhere_is_named(string where, string test, string complaint) =>
        Assert.Equal(complaint, Assert.Single(Check(where, test)));

    [Theory]
    [InlineData("A", "A.b")]
    [InlineData("A.F, A.G, A.P, A.Inner, E.V, R.X", "A.b, A.c")]
    [InlineData("src/here.cs", "here/x.pkt")]
    public void Names_that_lead_somewhere_pass(string where, string test) => Assert.Empty(Check(where, test));

    [Fact]
    public void A_requirement_becomes_a_row_and_is_counted()
    {
        List<string> complaints = [];
        Rfc first = ComplianceSource.Parse("rfc9293.txt", """
            # Transmission Control Protocol
            3.1 MUST-2 | MUST | checksums a|b | A.B, C | D.e, x/y.pkt
            3.2 | MUST NOT | throw | absent: it is fun | D.f
            3.3 | SHOULD | try | A | absent: nothing shows it
            3.4 | MAY | rest | absent | absent: nobody asked
            """, complaints)!;
        Rfc second = ComplianceSource.Parse("rfc768.txt", "# User Datagram Protocol\n1 | MUST | x | A | B.c\n", complaints)!;
        Assert.Empty(complaints);
        string text = ComplianceDocument.Compose([first, second], [new LaterWork("p:1", "Fast Open", ["A.B"], "later")]);
        Assert.EndsWith("""
            | RFC | title | MUST: tested | untested | absent | SHOULD: tested | untested | absent | MAY: tested | untested | absent |
            |---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|
            | [768](#rfc-768) | User Datagram Protocol | 1 | 0 | 0 | 0 | 0 | 0 | 0 | 0 | 0 |
            | [9293](#rfc-9293) | Transmission Control Protocol | 1 | 0 | 1 | 0 | 1 | 0 | 0 | 0 | 1 |
            | **all** | 2 documents | 2 | 0 | 1 | 0 | 1 | 0 | 0 | 0 | 1 |

            ## Left for later, with their place

            | what | where it will stand | why not yet |
            |---|---|---|
            | Fast Open | `A.B` | later |

            ## RFC 768

            User Datagram Protocol

            | section | level | requirement | where | test |
            |---|---|---|---|---|
            | 1 | MUST | x | `A` | `B.c` |

            ## RFC 9293

            Transmission Control Protocol

            | section | level | requirement | where | test |
            |---|---|---|---|---|
            | 3.1 MUST-2 | MUST | checksums a\|b | `A.B`, `C` | `D.e`, `x/y.pkt` |
            | 3.2 | MUST NOT | throw | absent: it is fun | `D.f` |
            | 3.3 | SHOULD | try | `A` | none: nothing shows it |
            | 3.4 | MAY | rest | absent: nobody asked |  |

            """, text);
    }

    /// <summary>docs/rfc/COMPLIANCE.md as it has to be.</summary>
    internal static string Compose()
    {
        List<string> complaints = [];
        return ComplianceDocument.Compose(Read(complaints), LaterWork.Parse(LaterFile, Repository.Read(LaterFile), complaints));
    }

    static IEnumerable<string> Check(string where, string test)
    {
        CodeIndex code = new([
            "class A { int F; int P => 1; void G() { } class Inner { } void NoTest() { } [Fact] void b() { } [Theory] void c() { } }",
            "enum E { V } record struct R(int X);",
        ]);
        Requirement requirement = new("p:2", "1", "MUST", "x", where.Split(", "), test.Split(", "), "");
        return new ComplianceCheck(code, code, path => path is "src/here.cs" or ComplianceCheck.Scripts + "here/x.pkt").Complaints([requirement]);
    }

    static Rfc[] Read(List<string> complaints) =>
    [
        .. Repository.TextFiles().Where(path => path.StartsWith(Folder, StringComparison.Ordinal) && path != LaterFile)
            .Select(path => ComplianceSource.Parse(path, Repository.Read(path), complaints)).OfType<Rfc>(),
    ];

    static CodeIndex Index(string folder) =>
        new(Repository.SourceFiles().Where(path => path.StartsWith(folder, StringComparison.Ordinal)).Select(Repository.Read));
}
