using Ginnel.Cli.CommandLine;

namespace Ginnel.Cli.Commands;

/// <summary>Reads <c>--secret-file</c>.</summary>
internal static class SecretFile
{
    /// <summary>The secret, or null where the option was not given.</summary>
    /// <exception cref="UsageException">The file cannot be read, others can read it, or it is no secret.</exception>
    public static SharedSecret? Read(OptionValues options)
    {
        if (options.Value("--secret-file") is not { } path) return null;
        try
        {
            const UnixFileMode Others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;
            if ((File.GetUnixFileMode(path) & Others) != 0) throw new UsageException($"--secret-file: others than its owner can read or change {path}: chmod 600 {path}");
            byte[] bytes = File.ReadAllBytes(path);
            // An editor's newline is no part of the secret.
            ReadOnlySpan<byte> secret = bytes.AsSpan().TrimEnd("\r\n"u8);
            if (secret.Length is < SharedSecret.MinLength or > SharedSecret.MaxLength)
            {
                throw new UsageException($"--secret-file: {path} holds {secret.Length} bytes; a secret has {SharedSecret.MinLength} to {SharedSecret.MaxLength}, for example: head -c 32 /dev/urandom | base64 > {path}");
            }
            return new SharedSecret(secret);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"--secret-file: {path} cannot be read: {failure.Message}");
        }
    }
}
