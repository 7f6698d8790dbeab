"""The backbone's wavelengths: equipment, amplifiers, GNPy, modes."""
