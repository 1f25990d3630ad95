using System.Buffers;
using System.Text.Json;

namespace Ginnel.Proxy.Control;

/// <summary>
/// JSON-RPC 1.0 as Go's <c>net/rpc/jsonrpc</c> speaks it, on any listener: JSON objects one after the other, <c>{"method","params":[text],"id"}</c> and
/// <c>{"id","result","error"}</c>. A client that speaks anything else is cut off; the proxy is not concerned.
/// </summary>
public sealed class NexdServer(IListener listener, ProxyControl control, ProxySession session, string version)
{
    /// <summary>Longest call, in bytes; a longer one ends the connection.</summary>
    public const int MaxCall = 64 << 10;

    /// <summary>Clients at once; one more is refused.</summary>
    public const int MaxClients = 32;

    private readonly NexdControl _methods = new(control, session, version);
    private int _clients;

    /// <summary>Serves until the listener closes or the token is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            while (await listener.AcceptAsync(cancellationToken).ConfigureAwait(false) is { } pending)
            {
                if (Interlocked.Increment(ref _clients) > MaxClients)
                {
                    Interlocked.Decrement(ref _clients);
                    pending.Reject(new DialFailure(DialFailureKind.Limit));
                    continue;
                }
                _ = ServeAsync(pending, cancellationToken);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
        }
    }

    private async Task ServeAsync(IPendingConnection pending, CancellationToken cancellationToken)
    {
        try
        {
            DuplexStream stream = await pending.AcceptAsync(cancellationToken).ConfigureAwait(false);
            await using (stream.ConfigureAwait(false)) await ConverseAsync(stream, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception failure) when (failure is IOException or OperationCanceledException or ObjectDisposedException or JsonException)
        {
            // The client's affair.
        }
        finally
        {
            Interlocked.Decrement(ref _clients);
        }
    }

    private async Task ConverseAsync(DuplexStream stream, CancellationToken cancellationToken)
    {
        byte[] buffer = new byte[MaxCall];
        int filled = 0;
        while (true)
        {
            while (TryTake(buffer.AsSpan(0, filled), out int used, out NexdCall call))
            {
                buffer.AsSpan(used, filled - used).CopyTo(buffer);
                filled -= used;
                await stream.WriteAsync(await AnswerAsync(call, cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);
            }
            if (filled == buffer.Length) return;
            int count = await stream.ReadAsync(buffer.AsMemory(filled), cancellationToken).ConfigureAwait(false);
            if (count == 0) return;
            filled += count;
        }
    }

    /// <summary>Takes the first whole object; false if it is not all there yet.</summary>
    /// <exception cref="JsonException">It is no JSON, or no object.</exception>
    internal static bool TryTake(ReadOnlySpan<byte> bytes, out int used, out NexdCall call)
    {
        (used, call) = (0, default);
        Utf8JsonReader reader = new(bytes, isFinalBlock: false, new JsonReaderState(new JsonReaderOptions { AllowMultipleValues = true, MaxDepth = 16 }));
        if (!reader.Read()) return false;
        if (reader.TokenType != JsonTokenType.StartObject) throw new JsonException("a call is an object");
        Utf8JsonReader whole = reader;
        if (!whole.TrySkip()) return false;
        used = (int)whole.BytesConsumed;
        try
        {
            call = Parse(ref reader);
            return true;
        }
        catch (InvalidOperationException failure)
        {
            throw new JsonException("a text that is no UTF-8", failure);
        }
    }

    private static NexdCall Parse(ref Utf8JsonReader reader)
    {
        using JsonDocument document = JsonDocument.ParseValue(ref reader);
        JsonElement root = document.RootElement;
        string? method = root.TryGetProperty("method", out JsonElement name) && name.ValueKind == JsonValueKind.String ? name.GetString() : null;
        // One text, or none: what nexctl sends.
        string? argument = root.TryGetProperty("params", out JsonElement list) && list.ValueKind == JsonValueKind.Array && list.GetArrayLength() == 1
            ? list[0].ValueKind switch { JsonValueKind.String => list[0].GetString(), JsonValueKind.Null => "", _ => null } : null;
        return new NexdCall(method, argument, root.TryGetProperty("id", out JsonElement id) ? id.Clone() : default);
    }

    private async Task<ReadOnlyMemory<byte>> AnswerAsync(NexdCall call, CancellationToken cancellationToken)
    {
        string? result = null, error = null;
        try
        {
            if (call.Method is null) throw new NexdException("a call names its method: {\"method\":\"NexdCtl.Status\",\"params\":[\"\"],\"id\":1}");
            if (call.Argument is null) throw new NexdException("params is a list of one text");
            result = await _methods.CallAsync(call.Method, call.Argument, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception failure) when (failure is not OperationCanceledException)
        {
            error = failure.Message;
        }
        ArrayBufferWriter<byte> answer = new();
        using (Utf8JsonWriter json = new(answer, new JsonWriterOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WritePropertyName("id");
            if (call.Id.ValueKind == JsonValueKind.Undefined) json.WriteNullValue();
            else call.Id.WriteTo(json);
            json.WriteString("result", result);
            json.WriteString("error", error);
            json.WriteEndObject();
        }
        answer.Write("\n"u8);
        return answer.WrittenMemory;
    }
}

/// <summary>A call; null where it says something else than is possible.</summary>
internal readonly record struct NexdCall(string? Method, string? Argument, JsonElement Id);
