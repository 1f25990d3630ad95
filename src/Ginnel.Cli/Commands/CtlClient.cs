using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Ginnel.Cli.Control;
using Ginnel.Proxy.Control;

namespace Ginnel.Cli.Commands;

/// <summary>Speaks to a running proxy's control socket.</summary>
internal sealed class CtlClient(string socket) : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly HttpClient _client = new(new SocketsHttpHandler
    {
        UseProxy = false,
        ConnectCallback = async (_, stop) =>
        {
            Socket connection = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            try
            {
                await connection.ConnectAsync(new UnixDomainSocketEndPoint(socket), stop).ConfigureAwait(false);
                return new NetworkStream(connection, ownsSocket: true);
            }
            catch
            {
                connection.Dispose();
                throw;
            }
        },
    })
    { BaseAddress = new Uri("http://localhost/"), Timeout = Patience };

    /// <summary>Asks, and returns the JSON of the answer.</summary>
    /// <exception cref="CtlException">The proxy refuses, or cannot be reached.</exception>
    public Task<string> GetAsync(string path) => SendAsync(HttpMethod.Get, path, null);

    /// <summary>Has something done.</summary>
    /// <exception cref="CtlException">The proxy refuses, or cannot be reached.</exception>
    public Task<string> DoAsync<T>(HttpMethod method, string path, T request, JsonTypeInfo<T> type) =>
        SendAsync(method, path, new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(request, type)) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } });

    /// <summary>Has something done that needs no words.</summary>
    /// <exception cref="CtlException">The proxy refuses, or cannot be reached.</exception>
    public Task<string> DoAsync(HttpMethod method, string path) => SendAsync(method, path, null);

    /// <inheritdoc/>
    public void Dispose() => _client.Dispose();

    private async Task<string> SendAsync(HttpMethod method, string path, HttpContent? body)
    {
        using HttpRequestMessage request = new(method, path) { Content = body };
        try
        {
            using HttpResponseMessage answer = await _client.SendAsync(request).ConfigureAwait(false);
            string text = await answer.Content.ReadAsStringAsync().ConfigureAwait(false);
            if (answer.IsSuccessStatusCode) return text;
            throw new CtlException(ErrorOf(text) ?? $"the proxy answered {(int)answer.StatusCode}");
        }
        catch (HttpRequestException failure)
        {
            throw new CtlException(File.Exists(socket)
                ? $"{socket}: no proxy answers there: {(failure.InnerException ?? failure).Message}" : $"no proxy runs there: {socket} does not exist");
        }
        catch (TaskCanceledException)
        {
            throw new CtlException($"{socket}: no answer within {Patience.TotalSeconds:0} s");
        }
    }

    private static string? ErrorOf(string text)
    {
        try
        {
            return JsonSerializer.Deserialize(text, ControlJson.Default.ErrorReport)?.Error;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

/// <summary>What was asked for was not done.</summary>
internal sealed class CtlException(string message) : Exception(message);
