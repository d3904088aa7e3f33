"""The data platform that makes a manufacturer's PLM, ERPs, MES and WMS agree, and shows where they don't."""
