using System.Globalization;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Ginnel.Architecture.Documents;

/// <summary>An initializer as a reader would write it: <c>256L &lt;&lt; 20</c> of bytes is 256 MiB, <c>TimeSpan.FromSeconds(60)</c> is 60 s.</summary>
static class ValueText
{
    static readonly Dictionary<string, string> Units = new(StringComparer.Ordinal)
    {
        ["FromDays"] = "d", ["FromHours"] = "h", ["FromMinutes"] = "min", ["FromSeconds"] = "s", ["FromMilliseconds"] = "ms", ["FromMicroseconds"] = "µs",
    };

    public static string Of(string name, ExpressionSyntax? value) => value switch
    {
        null => "",
        InvocationExpressionSyntax { Expression: MemberAccessExpressionSyntax call, ArgumentList.Arguments: [var argument, ..] }
            when Units.TryGetValue(call.Name.Identifier.Text, out string? unit) => $"{Number(argument.Expression)} {unit}",
        MemberAccessExpressionSyntax { Expression: IdentifierNameSyntax { Identifier.Text: "TimeSpan" }, Name.Identifier.Text: "Zero" } => "0",
        _ when Evaluate(value) is { } number => IsBytes(name) ? Bytes(number) : Plain(number),
        _ => $"`{value}`",
    };

    static bool IsBytes(string name) =>
        name.Contains("Bytes", StringComparison.Ordinal) || name.Contains("Buffer", StringComparison.Ordinal) || name.Contains("Memory", StringComparison.Ordinal);

    static string Number(ExpressionSyntax value) => Evaluate(value) is { } number ? Plain(number) : value.ToString();

    static string Plain(double number) => number.ToString("#,0.###", CultureInfo.InvariantCulture);

    static string Bytes(double number) => number switch
    {
        >= 1 << 30 when number % (1 << 30) == 0 => $"{Plain(number / (1 << 30))} GiB",
        >= 1 << 20 when number % (1 << 20) == 0 => $"{Plain(number / (1 << 20))} MiB",
        >= 1 << 10 when number % (1 << 10) == 0 => $"{Plain(number / (1 << 10))} KiB",
        _ => $"{Plain(number)} B",
    };

    static double? Evaluate(ExpressionSyntax value) => value switch
    {
        LiteralExpressionSyntax { Token.Value: IConvertible literal and not string } => literal.ToDouble(CultureInfo.InvariantCulture),
        ParenthesizedExpressionSyntax inner => Evaluate(inner.Expression),
        BinaryExpressionSyntax binary when Evaluate(binary.Left) is { } left && Evaluate(binary.Right) is { } right => binary.Kind() switch
        {
            SyntaxKind.LeftShiftExpression => left * Math.Pow(2, right),
            SyntaxKind.MultiplyExpression => left * right,
            SyntaxKind.AddExpression => left + right,
            SyntaxKind.SubtractExpression => left - right,
            _ => null,
        },
        _ => null,
    };
}
