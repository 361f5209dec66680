/* spec: what the engine may not see. Floor 2. */
