// Authenticators outside of this device, where the policy accepts them: each is a way of its own.
  const outside = (way, why, capability) => ({
    ...kinds.fido,
    way,
    why,
    verify: way,
    can: async () => {
      if (!window.isSecureContext || !window.PublicKeyCredential || !navigator.credentials) return false;
      const tell = PublicKeyCredential.getClientCapabilities;
      const known = tell && capability ? await tell.call(PublicKeyCredential) : {};
      return known[capability] !== false;
    },
  });
  kinds["fido:security-key"] = outside(d.way_security_key, d.why_security_key);
  kinds["fido:hybrid"] = outside(d.way_hybrid, d.why_hybrid, "hybridTransport");
