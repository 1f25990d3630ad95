using System.Collections.Immutable;
using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;

namespace Ginnel.Architecture;

/// <summary>What an assembly's metadata says of it: which assemblies, types and members it uses, and how.</summary>
sealed class CompiledAssembly
{
    CompiledAssembly(MetadataReader reader)
    {
        Name = reader.GetString(reader.GetAssemblyDefinition().Name);
        References = [.. reader.AssemblyReferences.Select(handle => reader.GetString(reader.GetAssemblyReference(handle).Name))];
        TypesUsed = [.. reader.TypeReferences.Select(handle => FullName(reader, handle)).Distinct()];
        MembersUsed = [.. reader.MemberReferences.Select(handle => MemberName(reader, handle)).OfType<string>().Distinct()];
        Types = [.. reader.TypeDefinitions.Select(handle => Describe(reader, handle)).OfType<TypeName>()];
        NativeImports = [.. reader.MethodDefinitions.Select(reader.GetMethodDefinition)
            .Where(method => (method.Attributes & MethodAttributes.PinvokeImpl) != 0)
            .Select(method => $"{FullName(reader, method.GetDeclaringType())}.{reader.GetString(method.Name)}")];
        // The compiler writes [module: UnverifiableCode] when unsafe blocks are allowed.
        AllowsUnsafe = TypesUsed.Contains("System.Security.UnverifiableCodeAttribute");
    }

    public string Name { get; }
    public ImmutableArray<string> References { get; }

    /// <summary>Full names of the types of other assemblies that this one mentions anywhere.</summary>
    public ImmutableArray<string> TypesUsed { get; }

    /// <summary>Members of other assemblies' types, e.g. <c>System.Environment.get_TickCount64</c>.</summary>
    public ImmutableArray<string> MembersUsed { get; }

    /// <summary>The types defined here that a person named.</summary>
    public ImmutableArray<TypeName> Types { get; }

    public ImmutableArray<string> NativeImports { get; }
    public bool AllowsUnsafe { get; }

    public static CompiledAssembly Load(string name) =>
        Read(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, name + ".dll")));

    public static CompiledAssembly Read(byte[] image)
    {
        using PEReader file = new([.. image]);
        return new CompiledAssembly(file.GetMetadataReader());
    }

    static TypeName? Describe(MetadataReader reader, TypeDefinitionHandle handle)
    {
        TypeDefinition type = reader.GetTypeDefinition(handle);
        string name = reader.GetString(type.Name);
        int arity = name.IndexOf('`');
        name = arity < 0 ? name : name[..arity];

        // Names with angle brackets, and Program of top-level statements, are the compiler's.
        return name.Contains('<') || name is "Program" ? null : new TypeName(NamespaceOf(reader, type), name);
    }

    static string NamespaceOf(MetadataReader reader, TypeDefinition type)
    {
        while (type.IsNested)
        {
            type = reader.GetTypeDefinition(type.GetDeclaringType());
        }

        return reader.GetString(type.Namespace);
    }

    static string? MemberName(MetadataReader reader, MemberReferenceHandle handle)
    {
        MemberReference member = reader.GetMemberReference(handle);
        return member.Parent.Kind is HandleKind.TypeReference
            ? $"{FullName(reader, (TypeReferenceHandle)member.Parent)}.{reader.GetString(member.Name)}"
            : null;
    }

    static string FullName(MetadataReader reader, TypeReferenceHandle handle)
    {
        TypeReference type = reader.GetTypeReference(handle);
        string name = reader.GetString(type.Name);
        return type.ResolutionScope.Kind is HandleKind.TypeReference
            ? $"{FullName(reader, (TypeReferenceHandle)type.ResolutionScope)}.{name}"
            : Qualify(reader.GetString(type.Namespace), name);
    }

    static string FullName(MetadataReader reader, TypeDefinitionHandle handle)
    {
        TypeDefinition type = reader.GetTypeDefinition(handle);
        string name = reader.GetString(type.Name);
        return type.IsNested ? $"{FullName(reader, type.GetDeclaringType())}.{name}" : Qualify(reader.GetString(type.Namespace), name);
    }

    static string Qualify(string space, string name) => space.Length == 0 ? name : $"{space}.{name}";
}

/// <summary>A type's own name, without arity, and the namespace it stands in.</summary>
readonly record struct TypeName(string Namespace, string Name);
