using System.Globalization;

namespace Ginnel.PacketScripts.Syntax;

/// <summary>An argument of a call, or its result.</summary>
internal abstract record Value
{
    /// <summary>The number or, for words and alternatives, what the symbols say; null when it is neither.</summary>
    internal virtual long? Number => null;

    /// <summary>The named field of a structure; null where there is none.</summary>
    internal virtual Value? Field(string name) => null;

    /// <summary>Whether the word stands here, alone or in an alternative (<c>A|B</c>).</summary>
    internal virtual bool Has(string word) => false;
}

/// <summary><c>...</c>: whatever it is.</summary>
internal sealed record EllipsisValue : Value
{
    internal static EllipsisValue Instance { get; } = new();

    public override string ToString() => "...";
}

internal sealed record NumberValue(long Is) : Value
{
    internal override long? Number => Is;

    public override string ToString() => Is.ToString(CultureInfo.InvariantCulture);
}

internal sealed record WordValue(string Word) : Value
{
    internal override long? Number => Symbols.Find(Word);

    internal override bool Has(string word) => Word == word;

    public override string ToString() => Word;
}

internal sealed record TextValue(string Text) : Value
{
    public override string ToString() => $"\"{Text}\"";
}

/// <summary><c>A|B</c>.</summary>
internal sealed record OrValue(Value Left, Value Right) : Value
{
    internal override long? Number => Left.Number is { } left && Right.Number is { } right ? left | right : null;

    internal override bool Has(string word) => Left.Has(word) || Right.Has(word);

    public override string ToString() => $"{Left}|{Right}";
}

/// <summary><c>[a, b]</c>.</summary>
internal sealed record ListValue(IReadOnlyList<Value> Items) : Value
{
    internal override long? Number => Items.Count == 1 ? Items[0].Number : null;

    internal override Value? Field(string name) => Items.Count == 1 ? Items[0].Field(name) : null;

    public override string ToString() => $"[{string.Join(", ", Items)}]";
}

/// <summary><c>name(a, b)</c>, such as <c>htons(8080)</c> and <c>inet_addr("192.0.2.1")</c>.</summary>
internal sealed record FunctionValue(string Name, IReadOnlyList<Value> Arguments) : Value
{
    internal override long? Number => Name is "htons" or "htonl" && Arguments.Count == 1 ? Arguments[0].Number : null;

    public override string ToString() => $"{Name}({string.Join(", ", Arguments)})";
}

/// <summary><c>{name=value, ...}</c>; fields without a name have an empty one.</summary>
internal sealed record StructureValue(IReadOnlyList<(string Name, Value Value)> Fields) : Value
{
    internal override Value? Field(string name)
    {
        foreach ((string each, Value value) in Fields)
        {
            if (each == name) return value;
        }
        return null;
    }

    public override string ToString() => $"{{{string.Join(", ", Fields.Select(field => field.Name.Length == 0 ? $"{field.Value}" : $"{field.Name}={field.Value}"))}}}";
}
