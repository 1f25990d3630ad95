namespace Ginnel.Sandbox;

/// <summary>How user and group ids inside a sandbox relate to those outside.</summary>
public enum IdentityMapping
{
    /// <summary>No user namespace: started by root, and ids, setuid programs and daemons work as they do bare.</summary>
    NoUserNamespace,
    /// <summary>A user namespace made by root with every id mapped to itself.</summary>
    WholeRange,
    /// <summary>The user's id is kept and subordinate ids are mapped around it.</summary>
    KeptWithSubordinate,
    /// <summary>Only the user's id exists inside, kept as it is.</summary>
    KeptAlone,
    /// <summary>The user is uid 0 inside and subordinate ids follow.</summary>
    RootWithSubordinate,
    /// <summary>The user is uid 0 inside and no other id exists.</summary>
    RootAlone,
}
