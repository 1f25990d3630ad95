using System.Globalization;
using System.Text;
using Ginnel.PacketScripts.Syntax;

namespace Ginnel.PacketScripts.Running;

/// <summary>
/// What stands between <c>%{</c> and <c>}%</c>: a small Python. Statements are <c>assert</c>, assignments (whose names later snippets know),
/// <c>if</c>/<c>elif</c>/<c>else</c> by indentation, <c>pass</c>; <c>print</c> and <c>import</c> do nothing. Everything else fails the script.
/// </summary>
internal sealed class Snippets
{
    private readonly Dictionary<string, double> _names = [];

    private readonly record struct Statement(int Line, int Indent, string Text);

    /// <exception cref="ScriptException">An assertion does not hold, or something is not understood.</exception>
    internal void Run(int line, string text, Func<string, double?> field)
    {
        List<Statement> statements = Split(line, text);
        int at = 0;
        while (at < statements.Count) RunBlock(statements, ref at, statements[at].Indent, runs: true, field);
    }

    private void RunBlock(List<Statement> statements, ref int at, int indent, bool runs, Func<string, double?> field)
    {
        // Whether a branch of the current if has been taken.
        bool? taken = null;
        while (at < statements.Count && statements[at].Indent >= indent)
        {
            Statement statement = statements[at];
            if (statement.Indent > indent) throw new ScriptException(statement.Line, $"'{statement.Text}' is indented for no reason");
            string word = Word(statement.Text);
            if (word is not ("if" or "elif" or "else"))
            {
                at++;
                taken = null;
                if (runs) RunOne(statement, field);
                continue;
            }
            if (word != "if" && taken is null) throw new ScriptException(statement.Line, $"'{word}' without if");
            int colon = Colon(statement);
            bool before = word != "if" && taken == true;
            bool holds = runs && !before && (word == "else" || Holds(statement.Line, statement.Text[word.Length..colon], field));
            taken = before || holds;
            RunBranch(statements, ref at, statement, statement.Text[(colon + 1)..].Trim(), holds, field);
        }
    }

    private void RunBranch(List<Statement> statements, ref int at, Statement head, string inline, bool runs, Func<string, double?> field)
    {
        at++;
        if (inline.Length > 0) { if (runs) RunOne(head with { Text = inline }, field); return; }
        if (at >= statements.Count || statements[at].Indent <= head.Indent) throw new ScriptException(head.Line, "an indented statement expected behind ':'");
        RunBlock(statements, ref at, statements[at].Indent, runs, field);
    }

    private static int Colon(Statement statement)
    {
        int colon = statement.Text.IndexOf(':');
        return colon > 0 ? colon : throw new ScriptException(statement.Line, $"':' is missing in '{statement.Text}'");
    }

    private bool Holds(int line, string text, Func<string, double?> field) => new Expression(line, text, name => Find(name, field)).Evaluate() != 0;

    private void RunOne(Statement statement, Func<string, double?> field)
    {
        (int line, _, string text) = statement;
        switch (Word(text))
        {
            case "assert": Assert(line, text[6..].Trim(), field); return;
            case "print" or "import" or "from" or "pass": return;
        }
        int equals = text.IndexOf('=');
        string name = equals > 0 ? text[..equals].TrimEnd('+', '-', '*', ' ') : "";
        if (equals < 0 || name.Length == 0 || !name.All(letter => char.IsAsciiLetterOrDigit(letter) || letter == '_')) throw new ScriptException(line, $"'{text}' is not understood (assert, =, if, print)");
        double value = new Expression(line, text[(equals + 1)..], each => Find(each, field)).Evaluate();
        _names[name] = text[..equals].TrimEnd()[^1] switch
        {
            '+' => _names.GetValueOrDefault(name) + value, '-' => _names.GetValueOrDefault(name) - value, '*' => _names.GetValueOrDefault(name) * value, _ => value,
        };
    }

    private void Assert(int line, string text, Func<string, double?> field)
    {
        var expression = new Expression(line, text, name => Find(name, field));
        if (expression.Evaluate() != 0) return;
        string condition = text[..(text.Length - expression.Rest.Length)].Trim();
        throw new ScriptException(line, $"assert {condition} fails ({expression.Used})");
    }

    private double? Find(string name, Func<string, double?> field) => _names.TryGetValue(name, out double value) ? value : field(name);

    private static string Word(string text)
    {
        int end = 0;
        while (end < text.Length && (char.IsAsciiLetterOrDigit(text[end]) || text[end] == '_')) end++;
        return text[..end];
    }

    // Lines, cut at semicolons outside of texts and joined within brackets; comments fall away.
    private static List<Statement> Split(int line, string text)
    {
        List<Statement> statements = [];
        var current = new StringBuilder();
        int depth = 0;
        int start = line;
        int? indent = null;
        char quote = '\0';
        for (int i = 0; i <= text.Length; i++)
        {
            char next = i < text.Length ? text[i] : '\n';
            if (next == '#' && quote == '\0') i = text.IndexOf('\n', i) is >= 0 and var end ? end : text.Length;
            if (next == '#' && quote == '\0') next = '\n';
            if (quote == '\0' && next is '"' or '\'') quote = next;
            else if (next == quote) quote = '\0';
            if (quote == '\0') depth += next is '(' or '[' or '{' ? 1 : next is ')' or ']' or '}' ? -1 : 0;
            if (next == '\n') line++;
            bool ends = i >= text.Length || (quote == '\0' && depth <= 0 && (next == ';' || (next == '\n' && (current.Length == 0 || current[^1] != '\\'))));
            if (!ends) { current.Append(next == '\n' ? ' ' : next); continue; }
            string whole = current.ToString();
            indent ??= Indent(whole);
            if (whole.Trim() is { Length: > 0 } statement) statements.Add(new Statement(start, indent.Value, statement));
            current.Clear();
            // Statements behind a semicolon stand as far in as the first of their line.
            if (next != ';') (indent, start) = (null, line);
        }
        return Align(statements, text.Split('\n')[0].Trim().Length > 0);
    }

    // A first statement behind "%{" does not show how far it is indented: as far as the next one, or less where it opens a block.
    private static List<Statement> Align(List<Statement> statements, bool isInline)
    {
        if (!isInline || statements.Count < 2) return statements;
        int least = statements.Skip(1).Min(each => each.Indent);
        bool opens = statements[0].Text.EndsWith(':');
        statements[0] = statements[0] with { Indent = !opens ? statements[1].Indent : least == statements[1].Indent ? least - 1 : least };
        return statements;
    }

    private static int Indent(string text)
    {
        int columns = 0;
        foreach (char next in text)
        {
            if (next == ' ') columns++;
            else if (next == '\t') columns += 8 - columns % 8;
            else break;
        }
        return columns;
    }
}
